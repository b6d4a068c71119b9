"""Households whose right is declared leave: what GRDF was sent is found and ended, and nobody else's right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    give,
    lost_answer,
    rights,
)
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NOBODY = dict.fromkeys(("nom_titulaire", "raison_sociale_du_titulaire", "courriel_titulaire", "code_postal"))

pytestmark = pytest.mark.usefixtures("nobody_else_waits")


def strip(world: LocalWorld, account: str) -> None:
    stripped = document(world, account)
    for key in PERSON:
        stripped["declaration"].pop(key, None)
    world.book.save(stripped)


@pytest.mark.parametrize("how", ["stripped", "rewritten", "removed", "beside a bad grant", "written otherwise"])
def test_a_deletion_finds_what_was_sent_whatever_became_of_the_document(
    clean: LocalWorld, account_id: str, how: str
) -> None:
    """The answer was lost. A stranger's right whose holder GRDF does not name is left alone."""
    pce = lost_answer(clean, account_id)
    (own,) = rights(clean, pce)
    (strangers,) = clean.control.consent([pce], keep_others=True, fields=NOBODY)
    if how == "stripped":
        strip(clean, account_id)
    elif how == "rewritten":
        give(clean, account_id, keep=True)
    elif how == "removed":
        left = document(clean, account_id)
        clean.book.save({key: value for key, value in left.items() if key != "declaration"})
    elif how == "beside a bad grant":
        clean.book.save(document(clean, account_id) | {"oauth": {}, "oauth_callback_results": {"id_token": "not.one"}})
    else:
        clean.control.change_consent(own["id_droit_acces"], nom_titulaire="M DURAND INVENTE PAUL")
    delete(account_id)
    after = {right["id_droit_acces"]: right["etat_droit_acces"] for right in rights(clean, pce)}
    assert after == {own["id_droit_acces"]: "Révoquée", strangers["id_droit_acces"]: "Active"}


def test_a_wrong_id_in_grdfs_answer_leaves_no_right_behind(clean: LocalWorld, account_id: str) -> None:
    pce = give(clean, account_id)
    body = json.dumps(
        {"code_statut_traitement": "0000000002", "id_droit_acces": "00000000-0000-4000-8000-000000000000"}
    )
    clean.control.fault("/droit_acces$", method="PUT", status=201, after=True, body=body)
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    delete(account_id)
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée"]
