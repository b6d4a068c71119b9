"""Promise 14: the quota holds over all workers, daily runs go first, a refusal pauses all, no account starves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.promises.adapter import METERS, Asked, Ended, Town

DAY = 86_400.0


def homes(town: Town, number: int) -> list[str]:
    accounts = [f"home-{each:02}" for each in range(number)]
    for each, account in enumerate(accounts):
        town.connect(account, METERS[each], back=10)
    town.mornings()
    town.pass_(hours=10)
    return accounts


def workers(town: Town, accounts: Iterable[str], number: int, ended: dict[str, Ended], start: float = 0.0) -> list[Any]:
    queue = list(accounts)

    def work() -> None:
        while queue:
            account = queue.pop(0)
            ended[account] = town.run(account, "scheduled")

    return [(start + each / 100, work) for each in range(number)]


def too_many(calls: Iterable[Asked]) -> list[datetime]:
    return [each.at for each in calls if each.status == 429]


def test_many_workers_never_call_too_often_and_daily_runs_go_first(town: Town) -> None:
    accounts = homes(town, 24)
    town.contract(calls_per_second=1, calls_per_day=6000)
    since, ended, began = len(town.asked), dict[str, Ended](), town.clock.now
    past: list[Ended] = []
    town.at_once(
        (0, lambda: past.append(town.history(town.ago(9), town.ago(3), definitive=True))),
        (1, lambda: past.append(town.history(town.ago(8), town.ago(4), definitive=True))),
        (3, town.check),
        *workers(town, accounts, 8, ended, start=4.0),
    )
    calls = town.calls(since=since)
    assert too_many(town.asked) == []
    assert {each.state for each in (*ended.values(), *past)} == {"success"}
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(calls)]
    assert min(gaps) >= 0.95
    daily = [each.at for each in calls if each.job.dag.startswith("grdf_account__")]
    others = [each for each in calls if each.job.dag == "grdf_history" and min(daily) <= each.at <= max(daily)]
    assert len(daily) >= len(accounts)
    assert len(others) <= 2, "the past waits while the day is read"
    assert (max(daily) - began).total_seconds() < 1.1 * len(daily) + 30


def test_the_calls_of_a_day_are_never_exceeded_and_the_past_leaves_room_for_the_day(town: Town) -> None:
    accounts = homes(town, 12)
    town.contract(calls_per_second=1, calls_per_day=30)
    town.pass_(days=2)
    past: list[Ended] = []
    read: Counter[str] = Counter()

    def daily() -> None:
        for _ in range(4):
            late = town.clock.now + timedelta(hours=1)
            town.check()
            for account in accounts:
                read[account] += town.run(account, "scheduled").state == "success" and town.clock.now < late
            town.pass_(hours=24)

    town.at_once(
        (0, lambda: past.append(town.history(town.ago(9), town.ago(3), definitive=True))),
        (0, lambda: past.append(town.history(town.ago(9), town.ago(3), definitive=True))),
        (0, lambda: past.append(town.history(town.ago(9), town.ago(3), definitive=True))),
        (7200, daily),
    )
    assert too_many(town.asked) == []
    assert set(read.values()) == {4}
    assert [each.state for each in past] == ["success"] * 3
    assert max(each.seconds for each in past) > DAY, "it had to wait for another day"
    made = [each.at for each in town.calls() if each.at > town.clock.now - timedelta(days=7)]
    assert max(sum(at <= each < at + timedelta(days=1) for each in made) for at in made) <= 30


def test_a_refusal_for_too_many_calls_pauses_all(town: Town) -> None:
    accounts = homes(town, 12)
    town.contract(calls_per_second=1, calls_per_day=6000)
    since, ended = len(town.asked), dict[str, Ended]()
    town.fault(429, "informatives", after=3, retry_after=50)
    town.at_once(*workers(town, accounts, 6, ended))
    (refused,) = too_many(town.asked[since:])
    assert not [each for each in town.asked if refused < each.at < refused + timedelta(seconds=49)]
    assert {each.state for each in ended.values()} == {"success"}
    assert {account for account in accounts if town.state(account)} == set()


def test_a_refused_token_is_renewed_by_one_for_all(town: Town) -> None:
    accounts = homes(town, 12)
    town.contract(calls_per_second=1, calls_per_day=6000)
    town.at_once(*workers(town, accounts, 6, {}))
    town.forget_tokens()
    since, ended = len(town.asked), dict[str, Ended]()
    town.at_once(*workers(town, accounts, 6, ended))
    assert {each.state for each in ended.values()} == {"success"}
    assert sum("access_token" in each.path for each in town.asked[since:]) == 1
    assert sum(each.status == 401 for each in town.asked[since:]) <= 2


def test_a_client_that_is_refused_calls_seldom_and_goes_on_by_itself(town: Town) -> None:
    accounts = homes(town, 12)
    town.contract(calls_per_second=1, calls_per_day=6000)
    town.forget_tokens()
    since, ended = len(town.asked), dict[str, Ended]()
    town.fault(401, "access_token", times=10_000)
    town.at_once(*workers(town, accounts, 6, ended))
    refused = town.asked[since:]
    hours = (town.clock.now - refused[0].at).total_seconds() / 3600
    assert all(each.text for each in ended.values() if each.state == "failed")
    assert "success" not in {each.state for each in ended.values()}
    assert len(refused) <= 6 + 6 * hours, "not at each try of each account"
    town.calm()
    town.pass_(hours=2)
    town.mornings()
    assert {account for account in accounts if town.state(account)} == set()
    assert all(town.wrong(account, METERS[each], town.ago(9)) == [] for each, account in enumerate(accounts))


def test_no_account_starves_when_there_are_fewer_calls_than_accounts(new_town: Callable[..., Town]) -> None:
    town = new_town()
    accounts = homes(town, 11)
    town.connect("many", *METERS[50:54], back=10)
    town.mornings()
    town.pass_(days=2)
    town.contract(calls_per_second=1, calls_per_day=9)
    read: Counter[str] = Counter()

    def days(account: str) -> Callable[[], None]:
        def daily() -> None:
            began = town.clock.ticks
            for day in range(10):
                if town.clock.ticks > began + (day + 1) * DAY:
                    continue  # the run before has not ended: one at a time, and no catching up
                town.clock.pass_(max(0.0, began + day * DAY - town.clock.ticks))
                read[account] += town.run(account, "scheduled").state == "success"

        return daily

    def checks() -> None:
        for _ in range(11):
            read["the list"] += town.check().state == "success"
            town.clock.pass_(DAY)

    works = [(60.0 * minute, days(account)) for minute, account in enumerate([*accounts, "many"], 1)]
    town.at_once((0, checks), *works, hours=24 * 11)
    assert too_many(town.asked) == []
    small = [read[account] for account in accounts]
    assert max(small) - min(small) <= 2
    assert read["many"] >= 3
    assert read["the list"] >= 9, "what is asked for all comes before what is asked for one"
