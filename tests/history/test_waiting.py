"""When the daily quota is used up, tasks wait for the next day without failing, and then ask for all of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.hooks.oauth import GrdfOAuthHook
from grdf.meters.asking import booked
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.quota.governor import governor_for
from grdf.staging.area import Staging
from include.gas.errors import AccountLeaving, FailNow, QuotaWait, ServiceUnavailable
from tests.helpers import adict_hook, connect_code, context, give_back, lose, stored, with_memory_shelf
from tests.history.steps import DAY, Y, asked, backfill, household, load, look_again, read, run, said
from tests.plugins.clockwork import call

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE_DAY = timedelta(days=1)


@pytest.fixture
def calls_per_day(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make GRDF allow that many calls per day from now on."""

    def allow(number: int) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
        connection["extra"]["calls_per_day"] = number
        monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))

    return allow


def until(caught: pytest.ExceptionInfo[AirflowRescheduleException]) -> timedelta:
    return caught.value.reschedule_date - datetime.now(UTC)  # type: ignore[no-any-return]  # Airflow gives no type


def test_a_daily_run_waits_for_the_next_day_and_nothing_is_marked(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any
) -> None:
    today = world.control.today()
    pces = household(world, account_id, today - 20 * ONE_DAY, 2)
    before = world.book.get(account_id)
    calls_per_day(2)  # the token, and one meter of two
    with pytest.raises(AirflowRescheduleException) as caught, said() as lines:
        run(account_id, today - 2 * ONE_DAY)
    assert timedelta(hours=23) < until(caught) < timedelta(hours=26)
    (line,) = [line for line in lines if "was not called" in line]
    assert line.startswith(f"Account {account_id}: GRDF was not called, since all 2 calls that GRDF allows in 24 hours")
    assert "it continues automatically from" in line
    assert world.book.get(account_id) == before
    assert asked(world) == [], "all meters of an account are booked at once, or none"

    calls_per_day(100)
    run(account_id, today - 2 * ONE_DAY)
    assert all(stored(couchdb, account_id, pce) for pce in pces)


def test_a_backfill_leaves_the_calls_of_the_daily_runs_alone(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any
) -> None:
    """Otherwise, a user who may start a backfill of one account could use up the day's calls of all others."""
    today = world.control.today()
    (pce,) = household(world, account_id, date(Y, 1, 1))
    calls_per_day(20)  # each of these steps also requests its own token
    governor_for(GrdfOAuthHook().facts).expect(15)
    days = (date(Y, 3, 31) - number * ONE_DAY for number in range(20))
    with pytest.raises(AirflowRescheduleException), said() as lines:
        list(map(partial(backfill, account_id), days))
    assert any("are kept for daily runs" in line for line in lines)
    run(account_id, today - 2 * ONE_DAY)
    assert str(today - 5 * ONE_DAY) in stored(couchdb, account_id, pce), "GRDF publishes later days up to 3 days late"


def test_a_reread_that_has_to_wait_keeps_what_it_has_stored(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any
) -> None:
    first, end = date(Y, 3, 1), date(Y, 3, 11)
    one, two = household(world, account_id, date(Y, 1, 1), 2, first=f"{Y}-01-01")
    calls_per_day(2)  # the token, and one meter: the other half of the calls is for daily runs
    with pytest.raises(AirflowRescheduleException):
        read(account_id, first, end)
    assert [call[0] for call in asked(world)] == [one]
    assert stored(couchdb, account_id, one)
    assert not stored(couchdb, account_id, two)

    calls_per_day(100)
    again = read(account_id, first, end)
    assert [call[0] for call in asked(world)] == [two], "what is stored as definitive is not asked for again"
    (days,) = [extra for name, extra in again.events if name == DAY]
    assert days["changed"] == len([day for day in stored(couchdb, account_id, two) if len(day) == 10])


def test_a_load_whose_end_airflow_did_not_hear_of_can_be_done_again(world: LocalWorld, account_id: str) -> None:
    """By then its answers have been loaded and removed."""
    today = world.control.today()
    household(world, account_id, today - 20 * ONE_DAY, first=str(today - 20 * ONE_DAY))
    again = run(account_id, today - 2 * ONE_DAY, loads=2)
    assert (again.result, again.events) == ({"account": account_id}, [])


def test_a_load_that_is_killed_before_it_is_done_tells_all_that_it_has_stored(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = world.control.today()
    (pce,) = household(world, account_id, today - 20 * ONE_DAY, first=str(today - 20 * ONE_DAY))
    remove, died = Staging.remove, []

    def die(self: Staging, account: str, run_id: str) -> None:
        if not died:
            died.append(run_id)
            raise KeyboardInterrupt
        remove(self, account, run_id)

    monkeypatch.setattr(Staging, "remove", die)
    with pytest.raises(KeyboardInterrupt):
        run(account_id, today - 2 * ONE_DAY)
    days = [day for day in stored(couchdb, account_id, pce) if len(day) == 10]
    again = load(account_id, today - 2 * ONE_DAY, {"answers": 1})
    assert dict(again.events)[DAY]["changed"] == len(days) == again.result["changes"]["counts"][DAY] > 0
    assert again.result["new"] == 0
    assert kept(account_id) == []


def test_a_load_that_ends_red_has_stored_what_it_could(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    one, two = household(world, account_id, today - 20 * ONE_DAY, 2, first=str(today - 20 * ONE_DAY))
    lose(world, two)
    with pytest.raises(FailNow, match="what GRDF returned is stored"):
        run(account_id, today - 2 * ONE_DAY)
    assert stored(couchdb, account_id, one)
    give_back(world, two)
    look_again(two)
    (told,) = [extra for name, extra in run(account_id, today - 2 * ONE_DAY).events if name == DAY]
    assert told["changed"] == len([day for day in stored(couchdb, account_id, two) if len(day) == 10])


def test_a_code_is_exchanged_on_a_day_that_is_spent(world: LocalWorld, account_id: str, calls_per_day: Any) -> None:
    connect_code(world, account_id)
    calls_per_day(1)
    hook = adict_hook()
    hook.data_token()
    with pytest.raises(QuotaWait):
        hook.all_access_rights()
    with DAG("steps", schedule=None):
        task = with_memory_shelf(AcquireTokenOperator(task_id="acquire_token", account_id=account_id))
    with pytest.raises(AirflowRescheduleException):  # it waits to see what the right covers
        task.execute(context())
    document = world.book.get(account_id) or {}
    assert "code" not in document["oauth"], "which is good for a few minutes"
    assert len(document["oauth_callback_results"]["consents"]) == 1


# -- what is left of a task that stops --------------------------------------------------------------------------------


def kept(account: str) -> list[Path]:
    """Return the files in the account's staging folder."""
    return list((Path(os.environ["AIRFLOW_HOME"]) / "grdf" / "staging" / account).glob("*"))


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_a_task_with_several_meters_asks_for_all_of_them_or_waits(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any, run_type: str
) -> None:
    day = world.control.today() - 5 * ONE_DAY
    pces = household(world, account_id, date(Y, 1, 1), 3)
    calls_per_day(10)
    governor = governor_for(GrdfOAuthHook().facts)
    for purpose in ("daily",) * 5 + ("history",) * 2:  # the token is the eighth, so two are left
        call(governor, purpose)
    with pytest.raises(AirflowRescheduleException):
        run(account_id, day, run_type)
    assert asked(world) == []
    calls_per_day(100)
    run(account_id, day, run_type)
    assert [call[0] for call in asked(world)] == list(pces)
    assert all(stored(couchdb, account_id, pce) for pce in pces)
    assert kept(account_id) == []


def test_calls_that_a_task_has_booked_and_does_not_make_are_free_again(world: LocalWorld, calls_per_day: Any) -> None:
    calls_per_day(100)
    governor = governor_for(GrdfOAuthHook().facts)
    before = governor.left()
    with booked(adict_hook(), "task", 5, "daily") as terms:
        call(governor, booking=terms.booking)
        assert governor.left() == before - 5
    assert governor.left() == before - 1


def test_a_retry_asks_for_all_meters_again(world: LocalWorld, account_id: str) -> None:
    today = world.control.today()
    pces = household(world, account_id, today - 20 * ONE_DAY, 3)
    world.control.fault(f"{pces[1]}/donnees_consos", status=503)
    with DAG("steps", schedule=None):
        extract = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account_id))
    with pytest.raises(ServiceUnavailable):
        extract.execute(context(today - 2 * ONE_DAY))
    assert len(asked(world)) == 3
    assert kept(account_id) == []
    assert extract.execute(context(today - 2 * ONE_DAY))["answers"] == 3
    assert [call[0] for call in asked(world)] == list(pces)


def test_nothing_is_kept_of_a_household_that_left_meanwhile(
    world: LocalWorld, account_id: str, calls_per_day: Any
) -> None:
    today = world.control.today()
    household(world, account_id, today - 20 * ONE_DAY, 3)
    calls_per_day(100)
    with DAG("steps", schedule=None):
        extract = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account_id))
    ask = extract.adict.daily_lines

    def and_leave(*args: Any, **more: Any) -> Any:
        answer = ask(*args, **more)
        document = world.book.get(account_id) or {}
        world.book.save(document | {"leaving": {"by": "somebody", "at": "2026-01-01T00:00:00+00:00"}})
        return answer

    extract.adict.daily_lines = and_leave
    staged = extract.execute(context(today - 2 * ONE_DAY))
    with pytest.raises(AccountLeaving, match=account_id):
        LoadOperator(task_id="load", account_id=account_id, staged=staged).execute(context(today - 2 * ONE_DAY))
    assert kept(account_id) == []
