"""A client whose calls of the day are spent keeps the households of the others from nothing."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from tests.clients.scene import (
    CLIENTS,
    PARTIES,
    SOUTH,
    USUAL,
    account_of,
    asked_by,
    document,
    own_right,
    right_of,
    spend,
)
from tests.helpers import holder
from tests.leaving.runs import acquire, check
from tests.rights.declared import declared_before, give, look
from tests.rights.scene import check as check_named

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(580_000)


def waits(world: LocalWorld, account: str, client: str) -> str:
    """Let a household of a client wait for its holder."""
    give(world, account)
    if client != USUAL:
        world.book.save({**document(world, account), "grdf_connection": client})
    with pytest.raises(AirflowSkipException):
        acquire(account)
    declared_before(world, account, 20)
    return account


@pytest.mark.parametrize("spent", [USUAL, SOUTH])
def test_holders_answers_to_the_other_are_looked_for(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, spent: str
) -> None:
    """The run ends without waiting, since the next one looks for answers that have come in the meantime."""
    south = waits(two, f"south-{next(_numbers)}", SOUTH)
    usual = waits(two, account_id, USUAL)
    spend(monkeypatch, spent)
    two.control.clear_log()
    assert look() == []
    good = usual if spent == SOUTH else south
    assert asked_by(two) == {CLIENTS[USUAL if spent == SOUTH else SOUTH]}
    declared_before(two, good, 20)
    two.control.answer(right_of(two, good)["id_droit_acces"])
    assert look() == [f"grdf_account__{good}"]


def test_a_run_for_a_spent_client_alone_keeps_no_later_one_from_looking(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    waits(two, account_id, USUAL)
    spend(monkeypatch, USUAL)
    assert look() == []
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", USUAL)
    with pytest.raises(AirflowRescheduleException):
        look()


def test_a_household_connects_on_a_meter_whose_right_at_the_other_is_over(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    """Which is known of the other's account counts, if the other cannot be asked."""
    account_of(two, account_id, USUAL)
    (pce,), other = holder(account_id).pces, f"south-{next(_numbers)}"
    two.control.revoke(own_right(two, account_id))
    check()
    (own,) = two.control.consent([pce], company=PARTIES[SOUTH].company, keep_others=True)
    spend(monkeypatch, USUAL)
    results = {"consents": [{"pce": pce, "id_accreditation": own["id_droit_acces"]}]}
    named = {"account_type": "grdfgrandlyon", "grdf_connection": SOUTH}
    two.book.save({"_id": other, **named, "oauth_callback_results": results})
    assert acquire(other)["meters"] == 1
    assert document(two, other)["status"]["meters"][pce]["word"] == "active"


def test_rights_that_are_taken_over_wait_for_their_client(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    other = f"south-{next(_numbers)}"
    for account, client in ((account_id, USUAL), (other, SOUTH)):
        (pce,) = account_of(two, account, client)
        two.control.revoke(own_right(two, account))
        two.control.consent([pce], company=PARTIES[client].company)
    before = own_right(two, other)
    with monkeypatch.context() as patch:
        spend(patch, SOUTH)
        with pytest.raises(AirflowRescheduleException):
            check_named(account_id, other, dry_run=False)
        assert own_right(two, other) == before
    assert check_named(account_id, other, dry_run=False) == {"taken_over": 1}, "the other one is done"
    assert own_right(two, other) != before
