"""GRDF has a right already that an account has not declared: where the messages lead an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import FailNow
from tests.helpers import days_of, stored
from tests.importing.scene import adopt
from tests.leaving.runs import acquire
from tests.rights.declared import PERSON, calls, give, holds_person
from tests.rights.scene import check, consents, document, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def refused(world: LocalWorld, account: str, **right: Any) -> str:
    """Let GRDF refuse an account's declaration, because it was declared before with another address."""
    pce = give(world, account)
    (made,) = world.control.consent([pce], keep_others=True)
    holder = {
        "nom_titulaire": PERSON["name"],
        "courriel_titulaire": "else@example.org",
        "parcours": "DECLARATION_TIERS",
    }
    world.control.change_consent(made["id_droit_acces"], **(holder | right))
    with pytest.raises(AirflowSkipException, match="no account has it") as told:
        acquire(account)
    assert "start grdf_consents with this account" in str(told.value)
    assert str(told.value) == document(world, account)["state_message"]
    return str(made["id_droit_acces"])


def test_the_messages_lead_to_an_account_that_is_read(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = refused(clean, account_id)
    assert adopt(dry_run=True)["left_out"] >= 1
    (said,) = [each for each in caplog.messages if right in each]
    assert "If it is the same household, start grdf_consents with that account" in said
    before = document(clean, account_id)
    assert check(account_id, dry_run=True) == {"taken_over": 1}
    assert document(clean, account_id) == before
    assert check(account_id, dry_run=False, by="ines") == {"taken_over": 1}
    (entry,) = consents(clean, account_id)
    assert entry["id_accreditation"] == right
    assert not document(clean, account_id)["state"]
    assert holds_person(clean, account_id) == []
    calls(clean)
    run(clean, account_id)
    assert "PUT" not in [method for method, _ in calls(clean)], "nothing is declared any more"
    assert days_of(stored(couchdb, account_id, entry["pce"]))


def test_a_right_that_is_not_in_force_yet_is_waited_for(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    right = refused(clean, account_id, etat_droit_acces="A valider")
    before = document(clean, account_id)
    capfd.readouterr()
    with pytest.raises(FailNow, match="If one waits for its holder, start grdf_consents with this account again once"):
        check(account_id, dry_run=False)
    assert document(clean, account_id) == before
    clean.control.change_consent(right, etat_droit_acces="Active")
    assert check(account_id, dry_run=False)["taken_over"] == 1
