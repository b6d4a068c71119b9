"""Declared rights among odd lists, other accounts, corrections and faults: nobody is given up or mixed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.display.overview import Situation, overview
from include.gas.errors import (
    CredentialsRefused,
    RetryLater,
)
from tests.helpers import connect_cozy, holder, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.rights.declared import (
    accepts,
    give,
    look,
    postcode,
)
from tests.rights.scene import bring, check, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_a_grant_is_used_before_the_declaration(clean: LocalWorld, account_id: str) -> None:
    (first,) = connect_cozy(clean, account_id)
    other = holder(other_of(account_id)).pces[0]
    give(clean, account_id, keep=True, pce=other, postcode=postcode(other))
    acquire(account_id, "scheduled")
    assert {entry["pce"] for entry in document(clean, account_id)["oauth_callback_results"]["consents"]} == {
        first,
        other,
    }


def test_a_refused_declaration_does_not_block_a_grant(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    refused = document(clean, account_id)
    connect_cozy(clean, account_id)
    clean.book.save(document(clean, account_id) | {key: refused[key] for key in ("declaration", "state")})
    acquire(account_id, "scheduled")
    assert document(clean, account_id)["oauth_callback_results"]["consents"]
    assert extract(account_id, yesterday(clean), "scheduled")


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_out_of_all_bounds_is_said(clean: LocalWorld, account_id: str, day: str) -> None:
    give(clean, account_id, calls_until=day)
    with pytest.raises(AirflowSkipException, match="a day is not between"):
        acquire(account_id, "scheduled")


def test_while_grdf_does_not_answer_other_meters_are_read(clean: LocalWorld, account_id: str) -> None:
    first = holder(other_of(account_id)).pces[0]
    bring(clean, account_id, first)
    give(clean, account_id, keep=True)
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=None)
    assert acquire(account_id, "scheduled", try_number=4)["account"] == account_id
    with pytest.raises(RetryLater):
        acquire(account_id, "scheduled")


def test_a_refusal_beside_other_meters_stays_until_it_is_corrected(clean: LocalWorld, account_id: str) -> None:
    """The account's other meter is read and loaded every day, and the morning's list finds nothing wrong with it."""
    bring(clean, account_id, holder(other_of(account_id)).pces[0])
    give(clean, account_id, keep=True, postcode="75001")
    for _ in range(2):
        acquire(account_id, "scheduled")
        load(account_id, extract(account_id, yesterday(clean), "scheduled"), yesterday(clean))
        check()
        told = document(clean, account_id)
        assert told["state_partial"]
        assert "the postcode does not match the meter" in told["state_message"]
        assert overview(told).situation(clean.control.today()) is Situation.PARTLY
    give(clean, account_id, keep=True)
    acquire(account_id, "manual")
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")


def test_a_client_that_may_not_declare_is_nobodys_household(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id)
    clean.control.fault("/droit_acces$", method="PUT", status=403, body={"erreur": "contrat"})
    with pytest.raises(CredentialsRefused, match=r"does not let our client declare .*Ask GRDF whether the contract"):
        acquire(account_id, "scheduled")
    assert not document(clean, account_id).get("state")
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "scheduled")
