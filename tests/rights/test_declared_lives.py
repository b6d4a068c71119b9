"""Whole lives of households whose right is declared: moves, odd lists, refusals beside other meters, leaving."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from include.gas.days.gas_day import utc_text
from include.gas.errors import BadRequest, DeclarationRefused, FailNow, RetryLater, ServiceUnavailable
from tests.helpers import days_of, holder, stored, yesterday
from tests.leaving.runs import acquire, extract
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    accepts,
    calls,
    declared_before,
    give,
    holds_person,
    look,
    postcode,
    rights,
    still_waits,
    three,
    waits,
)
from tests.rights.scene import OUTDATED, bring, check, consents, document, other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.answers.access_rights import Rights
    from include.sandbox.local_world import LocalWorld


pytestmark = pytest.mark.usefixtures("nobody_else_waits")


def reads(world: LocalWorld, account: str, run_type: str = "scheduled") -> bool:
    acquire(account, run_type)
    return bool(extract(account, yesterday(world), run_type)["answers"])


# -- whose days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other_meter", [True, False])
def test_an_unfinished_declaration_gives_a_konnector_account_nobodys_right(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, other_meter: bool
) -> None:
    """The meter's present household has an account of its own; the old one's owner only asks for a right."""
    (pce,) = holder(account_id).pces
    owner = other_of(account_id)
    bring(clean, owner, pce)
    created = {"createdAt": f"{clean.control.today()}T00:00:00Z"}
    clean.book.save(
        {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {"pce_id": pce}}
        | {"cozyMetadata": created}
    )
    refused = {"pce": holder(three(account_id)[0]).pces[0], "postcode": "75001"}
    give(clean, account_id, keep=True, **(refused if other_meter else {}))
    for _ in range(2):
        with suppress(AirflowSkipException):
            acquire(account_id, "scheduled")
        check()
    with pytest.raises((AirflowSkipException, FailNow)):
        extract(account_id, yesterday(clean), "scheduled")
    assert consents(clean, account_id)[0]["id_accreditation"] is None
    assert days_of(stored(couchdb, account_id, pce)) == {}


def test_the_right_of_a_household_that_leaves_is_given_to_nobody(clean: LocalWorld, account_id: str) -> None:
    """The same person comes again, under another id, while the deletion has not revoked the right yet."""
    pce, again = holder(account_id).pces[0], other_of(account_id)
    waits(clean, account_id)
    accepts(clean, account_id)
    look("manual")
    delete(account_id, steps=("check", "mark"))
    given = {"pce": pce, **PERSON, "postcode": postcode(pce)}
    clean.book.save({"_id": again, "account_type": "grdfgrandlyon", "declaration": given})
    with pytest.raises(ServiceUnavailable, match="is being deleted, and has its right revoked first"):
        acquire(again, "scheduled")
    delete(account_id, steps=("revoke", "purge", "report"))
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée"]
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(again, "scheduled")
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée", "A valider"]


# -- waiting, and what GRDF's list says ----------------------------------------------------------------------


def test_a_declaration_given_again_after_the_holder_has_accepted(clean: LocalWorld, account_id: str) -> None:
    waits(clean, account_id)
    accepts(clean, account_id)
    give(clean, account_id, keep=True)
    assert acquire(account_id, "manual")["first_launch"]
    check()
    assert not document(clean, account_id).get("state")
    assert reads(clean, account_id)


def test_a_second_meter_in_force_at_once_does_not_end_the_first_ones_waiting(
    clean: LocalWorld, account_id: str
) -> None:
    other = holder(other_of(account_id)).pces[0]
    waits(clean, account_id)
    clean.control.set(declared_right_state="Active")
    give(clean, account_id, keep=True, pce=other, postcode=postcode(other))
    acquire(account_id, "manual")
    assert document(clean, account_id)["declaration"]["waits"]
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    assert not any(each.get("unusable") for each in consents(clean, account_id))


def test_a_second_meter_that_is_refused_does_not_end_it_either(clean: LocalWorld, account_id: str) -> None:
    other = holder(other_of(account_id)).pces[0]
    waits(clean, account_id)
    give(clean, account_id, keep=True, pce=other, postcode="75001")
    with pytest.raises(DeclarationRefused):
        acquire(account_id, "manual")
    check()
    assert "the postcode does not match" in document(clean, account_id)["state_message"]
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    told = document(clean, account_id)
    assert told["state_partial"]
    assert "the postcode does not match" in told["state_message"]
    calls(clean)
    assert reads(clean, account_id)
    assert ("PUT", "droit_acces") not in calls(clean), "a person has to correct it first"


def test_a_holder_who_leaves_out_the_daily_data_is_told_so_at_once(clean: LocalWorld, account_id: str) -> None:
    waits(clean, account_id)
    (right,) = rights(clean, holder(account_id).pces[0])
    fields = {"etat_droit_acces": "Active", "perim_donnees_informatives": "Faux"}
    clean.control.change_consent(right["id_droit_acces"], **fields)
    assert look("manual") == []
    assert "without daily (informative) data" in document(clean, account_id)["state_message"]
    clean.control.change_consent(right["id_droit_acces"], perim_donnees_informatives="Vrai")
    check()
    assert reads(clean, account_id)


@pytest.mark.parametrize("state", ["Expirée", None, "A revérifier"])
def test_an_answer_that_we_do_not_know_is_not_waited_for_without_end(
    clean: LocalWorld, account_id: str, state: str | None
) -> None:
    waits(clean, account_id)
    (right,) = rights(clean, holder(account_id).pces[0])
    clean.control.change_consent(right["id_droit_acces"], etat_droit_acces=state)
    look("manual")
    check()
    assert still_waits(clean, account_id), "one list may be wrong"
    declared_before(clean, account_id, 3 * 1440)
    look(minute=5)
    assert document(clean, account_id)["state"] == OUTDATED
    clean.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    check()
    assert reads(clean, account_id)


def test_a_holder_who_does_not_answer_is_to_be_asked(clean: LocalWorld, account_id: str) -> None:
    waits(clean, account_id)
    declared_before(clean, account_id, 3 * 1440)
    check()
    assert "has not answered GRDF's e-mail" in document(clean, account_id)["state_message"]
    accepts(clean, account_id)
    assert look(minute=5)
    assert reads(clean, account_id)


def test_one_meter_that_grdf_refuses_keeps_no_other_waiting(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = three(account_id)
    waits(clean, first, second, third)
    accepts(clean, first, second, third)
    real, odd = AdictHook.listed_rights, holder(second).pces[0]

    def listed(self: AdictHook, pces: list[str], **more: Any) -> Rights:
        if odd in pces:
            raise BadRequest.about(None, "GRDF does not know a meter")
        return real(self, pces, **more)

    monkeypatch.setattr(AdictHook, "listed_rights", listed)
    assert look("manual") == [f"grdf_account__{first}", f"grdf_account__{third}"]


def test_more_acceptances_than_airflow_can_map_at_once(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = three(account_id)
    waits(clean, *names)
    accepts(clean, *names)
    monkeypatch.setattr("grdf.operators.ways_in.look_at_waiting.MOST", 1)
    monkeypatch.setattr("grdf.operators.ways_in.look_at_waiting.STARTED", 2)
    assert look() == [f"grdf_account__{name}" for name in names[:2]]
    assert look() == [f"grdf_account__{names[2]}"]


# -- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"), [(409, "1000000077"), (404, ""), (409, ""), (400, ""), (422, ""), (201, "1000000077")]
)
def test_a_refusal_that_we_do_not_know_is_said_and_not_repeated(
    clean: LocalWorld, account_id: str, status: int, code: str
) -> None:
    give(clean, account_id)
    body = json.dumps({"code_statut_traitement": code} if code else {})
    clean.control.fault("/droit_acces$", method="PUT", status=status, body=body, times=None)
    with pytest.raises(DeclarationRefused, match="for a reason that we do not know"):
        acquire(account_id, "scheduled")
    calls(clean)
    for _ in range(2):
        with pytest.raises(AirflowSkipException, match="is waiting for its household"):
            acquire(account_id, "scheduled")
    assert calls(clean) == []


def test_while_grdf_is_down_for_days_the_account_says_so(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id)
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=None)
    with pytest.raises(RetryLater):
        acquire(account_id, "scheduled", try_number=4)
    assert document(clean, account_id)["state"] == "VENDOR_DOWN"
    clean.control.set(faults=[])
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    assert still_waits(clean, account_id)


def test_what_was_refused_is_not_kept_for_ever(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    with pytest.raises(DeclarationRefused):
        acquire(account_id, "scheduled")
    check()
    assert holds_person(clean, account_id)
    refused = document(clean, account_id)
    refused["declaration"]["refused_since"] = utc_text(datetime.now(UTC) - timedelta(days=31))
    clean.book.save(refused)
    check()
    assert holds_person(clean, account_id) == []
    assert document(clean, account_id)["declaration"]["pce"]
