"""A refusal that GRDF's own list contradicts is retried soon, then daily, and no household is asked to act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.retries import GasRetryPolicy
from include.gas.account.state import with_state
from include.gas.errors import ConsentLost, FailNow, RefusalDoubted
from include.gas.meter_tag import meter_tag
from tests.helpers import give_back, known_account, lose, stored, yesterday
from tests.leaving.household import rights
from tests.leaving.runs import acquire, check, extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
WRONG = ["1000002", "1000003", "1000014", "1000010"]

pytestmark = pytest.mark.usefixtures("shelf")


def settled(world: LocalWorld, account: str, meters: int = 1) -> tuple[str, ...]:
    pces = known_account(world, account, meters, conso_debut=str(yesterday(world) - timedelta(days=20)))
    check()
    world.control.clear_log()
    return pces


def account_of(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def calls(world: LocalWorld) -> list[str]:
    return [call["path"].rpartition("/")[2] for call in world.control.log() if not call["path"].endswith("token")]


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_refusal_marks_nobody(clean: LocalWorld, couchdb: CouchDBHook, account_id: str, code: str) -> None:
    (pce,) = settled(clean, account_id)
    day = yesterday(clean)
    clean.control.set_quirks(pce, refusal=code)
    before = account_of(clean, account_id)
    with pytest.raises(RefusalDoubted, match="its own list says that the consent is active") as first:
        extract(account_id, day, try_number=1)
    assert f"Account {account_id}: " in str(first.value)
    assert meter_tag(account_id, pce) in str(first.value)
    assert code in str(first.value)
    assert "household must" not in str(first.value)
    assert account_of(clean, account_id) == before, "it may pass within the hour"
    with pytest.raises(RefusalDoubted):
        extract(account_id, day, try_number=2)
    assert calls(clean) == ["donnees_consos_informatives", "droits_acces"] * 2, "four calls on that day, no more"
    marked = account_of(clean, account_id)
    assert marked["state"] == "VENDOR_DOWN"
    check()
    assert account_of(clean, account_id) == marked, "what the list says is known"
    acquire(account_id)  # the next day's run is not skipped
    clean.control.set_quirks(pce)
    load(account_id, extract(account_id, day), day)
    assert not account_of(clean, account_id)["state"]
    assert stored(couchdb, account_id, pce)


def test_it_is_tried_again_after_an_hour_and_then_left_to_the_next_run() -> None:
    policy, doubted = GasRetryPolicy(), RefusalDoubted.about("ana", "x")
    first, second = (policy.evaluate(doubted, number, 3) for number in (1, 2))
    assert (first.action, first.retry_delay) == (RetryAction.RETRY, timedelta(hours=1))
    assert second.action is RetryAction.FAIL


def test_a_right_refusal_is_the_households_at_once(clean: LocalWorld, account_id: str) -> None:
    (pce,) = settled(clean, account_id)
    lose(clean, pce)
    with pytest.raises(ConsentLost):
        extract(account_id, yesterday(clean), try_number=1)
    assert account_of(clean, account_id)["state"] == OUTDATED
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    give_back(clean, pce)
    check()
    assert not account_of(clean, account_id)["state"]


def test_another_households_consent_on_the_meter_contradicts_nothing(clean: LocalWorld, account_id: str) -> None:
    """The right in force is not the account's own, so the refusal is believed."""
    pces = settled(clean, account_id)
    (own,) = rights(clean, pces)
    clean.control.revoke(own)
    clean.control.set_quirks(pces[0], refusal="1000014")
    clean.control.consent(pces, keep_others=True)
    with pytest.raises(ConsentLost):
        extract(account_id, yesterday(clean), try_number=1)
    assert account_of(clean, account_id)["state"] == OUTDATED


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=90)])
def test_a_mark_that_the_list_contradicts_goes_by_itself(clean: LocalWorld, account_id: str, age: timedelta) -> None:
    """The mark was set while the list was not available, or by an earlier version. It used to stay forever."""
    settled(clean, account_id)
    error = ConsentLost.about(account_id, "there is no right of access (GRDF: code 1000002)")
    since = datetime.now(UTC) - age
    clean.book.save(with_state(account_of(clean, account_id), OUTDATED, str(error), since=since))
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    check()
    acquire(account_id)
    extract(account_id, yesterday(clean))


def test_when_the_list_does_not_answer_no_household_is_asked_to_act(clean: LocalWorld, account_id: str) -> None:
    (pce,) = settled(clean, account_id)
    clean.control.set_quirks(pce, refusal="1000002")
    clean.control.fault("droits_acces", status=503, times=None)
    with pytest.raises(RefusalDoubted, match="its list of rights cannot be asked"):
        extract(account_id, yesterday(clean), try_number=1)
    assert account_of(clean, account_id).get("state") != OUTDATED


def test_of_two_meters_the_other_is_stored_the_same_day(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    good, bad = settled(clean, account_id, 2)
    day = yesterday(clean)
    clean.control.set_quirks(bad, refusal="1000002")
    with pytest.raises(RefusalDoubted):
        extract(account_id, day, try_number=1)
    staged = extract(account_id, day, try_number=2)
    with pytest.raises(FailNow, match="not everything could be read"):
        load(account_id, staged, day)
    assert stored(couchdb, account_id, good)
    assert account_of(clean, account_id)["state"] == "VENDOR_DOWN", "nobody has to act"
