"""A declaration that GRDF never answers does not wait for ever, nor is the person kept for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.connected import declaring
from include.gas.account.declaration import Declaration, names_person
from include.gas.account.marks import Connected
from include.gas.days.gas_day import utc_text
from include.gas.errors import RetryLater
from tests.helpers import holder
from tests.leaving.runs import acquire, check
from tests.rights.declared import PERSON, WAITS, give, holds_person, postcode, rights
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")


def entered(world: LocalWorld, account: str, days: float) -> None:
    """Store what a form has stored, and let GRDF fail."""
    (pce,) = holder(account).pces
    asked = Declaration(pce=pce, **{**PERSON, "postcode": postcode(pce)})
    then = datetime.now(UTC) - timedelta(days=days)
    world.book.save(declaring(None, account, asked, Connected(utc_text(then), "household")))
    world.control.fault("/droit_acces$", method="PUT", status=503)
    with pytest.raises(RetryLater):
        acquire(account, "scheduled")


def older(world: LocalWorld, account: str, days: float) -> None:
    """Let so many days pass since it was first seen."""
    stored = document(world, account)
    moment = datetime.fromisoformat(stored["declaration"]["entered_at"]) - timedelta(days=days)
    stored["declaration"]["entered_at"] = moment.isoformat()
    world.book.save(stored)


def test_after_30_days_it_counts_as_refused(clean: LocalWorld, account_id: str) -> None:
    entered(clean, account_id, 31)
    check()
    stored = document(clean, account_id)
    assert holds_person(clean, account_id) == []
    assert not names_person(stored)
    assert stored["state"] == WAITS
    said = f"Account {account_id}: its declaration has waited for 30 days and GRDF has given no right for it"
    assert said in stored["state_message"]
    assert stored["declaration"]["refused"] is True
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    give(clean, account_id, keep=True)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "manual")
    assert len(rights(clean, holder(account_id).pces[0])) == 1


def test_what_another_program_stores_ages_from_the_first_morning_on(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id)
    check()
    older(clean, account_id, 29)
    check()
    assert names_person(document(clean, account_id))
    older(clean, account_id, 2)
    check()
    assert holds_person(clean, account_id) == []


def test_a_correction_begins_anew(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    check()
    older(clean, account_id, 25)
    with pytest.raises(Exception, match="the postcode does not match"):
        acquire(account_id, "scheduled")
    stored: dict[str, Any] = document(clean, account_id)
    (pce,) = holder(account_id).pces
    stored["declaration"]["postcode"] = postcode(pce)
    clean.book.save(stored)
    clean.control.fault("/droit_acces$", method="PUT", status=503)
    with pytest.raises(RetryLater):
        acquire(account_id, "manual")
    check()
    older(clean, account_id, 10)
    check()
    assert names_person(document(clean, account_id))
