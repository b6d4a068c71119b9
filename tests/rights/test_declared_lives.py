"""Whole lives of households whose right is declared: moves, odd lists, refusals beside other meters, leaving."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.days.gas_day import utc_text
from include.gas.errors import DeclarationRefused, RetryLater
from tests.helpers import holder, yesterday
from tests.leaving.runs import acquire, extract
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    accepts,
    calls,
    give,
    holds_person,
    look,
    postcode,
    rights,
    still_waits,
    three,
    waits,
)
from tests.rights.scene import check, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def reads(world: LocalWorld, account: str, run_type: str = "scheduled") -> bool:
    acquire(account, run_type)
    return bool(extract(account, yesterday(world), run_type)["answers"])


def test_the_right_of_a_household_that_leaves_is_given_to_nobody(clean: LocalWorld, account_id: str) -> None:
    """The same person comes again, under another id, while the deletion has not revoked the right yet."""
    pce, again = holder(account_id).pces[0], other_of(account_id)
    waits(clean, account_id)
    accepts(clean, account_id)
    look("manual")
    delete(account_id, steps=("check", "mark"))
    given = {"pce": pce, **PERSON, "postcode": postcode(pce)}
    clean.book.save({"_id": again, "account_type": "grdfgrandlyon", "declaration": given})
    with pytest.raises(AirflowSkipException):
        acquire(again, "scheduled")
    delete(account_id, steps=("revoke", "purge"))
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée"]
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(again, "manual")
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée", "A valider"]


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
    assert "does not include the daily data" in document(clean, account_id)["state_message"]
    clean.control.change_consent(right["id_droit_acces"], perim_donnees_informatives="Vrai")
    check()
    assert reads(clean, account_id)


def test_more_acceptances_than_airflow_can_map_at_once(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = three(account_id)
    waits(clean, *names)
    accepts(clean, *names)
    monkeypatch.setattr("grdf.operators.ways_in.look_at_waiting.STARTED", 2)
    assert look() == [f"grdf_account__{name}" for name in names[:2]]
    assert look() == [f"grdf_account__{names[2]}"]


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
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    check()
    assert holds_person(clean, account_id)
    refused = document(clean, account_id)
    refused["declaration"]["entered_at"] = utc_text(datetime.now(UTC) - timedelta(days=31))
    clean.book.save(refused)
    check()
    assert holds_person(clean, account_id) == []
    assert document(clean, account_id)["declaration"]["pce"]
