"""Households whose right is declared leave: what GRDF was sent is found and ended, and nobody else's right."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from include.gas.errors import DeclarationRefused, RetryLater
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    answer,
    give,
    look,
    lost_answer,
    postcode,
    rights,
)
from tests.rights.scene import check, consents, document, other_of

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


def test_who_strips_the_document_after_a_lost_answer_loses_nothing(clean: LocalWorld, account_id: str) -> None:
    pce = lost_answer(clean, account_id)
    strip(clean, account_id)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "scheduled")
    answer(clean, pce, "Active")
    assert look("manual") == [f"grdf_account__{account_id}"]


@pytest.mark.parametrize("same", [True, False])
def test_what_was_sent_for_two_meters_before_the_list_showed_either(
    clean: LocalWorld, account_id: str, same: bool
) -> None:
    pce, other = lost_answer(clean, account_id), holder(other_of(account_id)).pces[0]
    changed = document(clean, account_id)
    changed["declaration"] |= {"email": PERSON["email"]} if same else {"pce": other, "postcode": postcode(other)}
    clean.book.save(changed)
    real = AdictHook.listed_rights
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdictHook, "listed_rights", lambda self, *a, **m: replace(real(self, *a, **m), rights=()))
        with pytest.raises((AirflowSkipException, DeclarationRefused)):
            acquire(account_id, "scheduled")
    delete(account_id)
    found = [right["etat_droit_acces"] for each in (pce, other) for right in rights(clean, each)]
    assert found == ["Révoquée"] * (1 if same else 2)


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


def test_a_right_that_is_over_but_listed_as_active_is_not_taken_for_the_new_one(
    clean: LocalWorld, account_id: str
) -> None:
    clean.control.set(declared_right_state="Active")
    pce = give(clean, account_id)
    acquire(account_id, "scheduled")
    (old,) = rights(clean, pce)
    clean.control.change_consent(old["id_droit_acces"], etat_droit_acces="Obsolète")
    check()
    clean.control.set(declared_right_state="A valider")
    give(clean, account_id, keep=True)
    clean.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account_id, "manual")
    last = {"date_fin_droit_acces": str(clean.control.today() - timedelta(3)), "etat_droit_acces": "Active"}
    clean.control.change_consent(old["id_droit_acces"], **last)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "manual")
    new = next(right for right in rights(clean, pce) if right["id_droit_acces"] != old["id_droit_acces"])
    assert consents(clean, account_id)[0]["id_accreditation"] == new["id_droit_acces"]
    clean.control.change_consent(new["id_droit_acces"], etat_droit_acces="Active")
    assert look("manual") == [f"grdf_account__{account_id}"]
