"""The daily quota: what is left of it and for whom, on a simulated clock."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.allowance import DAY, Go, Quota, time_needed
from grdf.quota.ledger import Ledger
from include.gas.days.gas_day import PARIS
from include.gas.errors import QuotaExceeded, QuotaWait
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 10, 4)


def test_a_spent_day_is_told_in_words() -> None:
    clock = Clockwork(NOON + 7)
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    assert governor.left() == 0
    with pytest.raises(QuotaExceeded) as caught:
        call(governor, account="home")
    assert str(caught.value) == (
        "Account home: GRDF was not called, since all 10 calls that GRDF allows in 24 hours are used up. "
        "Nothing to do: it continues automatically from 12:05 on 11 March 2026 (Paris time)."
    )
    assert caught.value.state is None, "nothing for the household to do"
    assert caught.value.retry_after is not None
    clock.now += caught.value.retry_after - 1
    with pytest.raises(QuotaExceeded):
        call(governor)
    clock.now += 2
    call(governor)


@pytest.mark.parametrize("days", [3, 400])
def test_a_look_by_a_clock_that_is_ahead_gives_no_day_of_calls(days: int) -> None:
    quota, now = Quota(1000.0, 1200, links=1200), NOON
    ledger = Ledger()
    for _ in range(400):
        ledger = Ledger.read(ledger.text())
        assert ledger.left(now, quota, "daily") > 0
        for _ in range(3):
            assert isinstance(ledger.ask(now, quota, "link", None, patience=10), Go)
            now += 1
        now += 207  # a day long
    for ahead in (days, days + 1, 0):
        ledger = Ledger.read(ledger.text())
        left = ledger.left(now + ahead * DAY, quota, "daily")
        assert left == (1200 if ahead else 0)
    assert ledger.left(now, quota, "link") == 0
    assert ledger.left(now + DAY / 2, quota, "daily") < 700, "and they leave in their time"
    assert ledger.left(now + 2 * DAY, quota, "daily") == 1200


def test_history_leaves_the_reserve_alone() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 6, "history")
    assert (governor.left("history"), governor.left("daily")) == (0, 4)
    with pytest.raises(QuotaExceeded, match=r"the other 4 are kept for daily runs \(\[grdf\] daily_reserve\)"):
        call(governor, purpose="history")
    instants(clock, governor, 4)
    with pytest.raises(QuotaExceeded, match="all 10 calls"):
        call(governor, purpose="history")


def test_those_who_wait_for_the_next_day_do_not_all_come_at_once() -> None:
    """Each is told a time at which a call is free for it. Nobody waits in vain, and they are spread over time."""
    clock = Clockwork()
    quota = Quota(1000.0, 40, 20)
    governor = clock.governor(quota)
    for _ in range(40):
        instants(clock, governor, 1)
        clock.now += 600
    told = []
    for _ in range(40):
        with pytest.raises(QuotaWait) as caught:
            call(governor)
        told.append(round(clock.now + (caught.value.retry_after or 0)))
    assert told == sorted(told)
    assert len(set(told)) == 40, "as the calls were made ten minutes apart, so they come back"
    with pytest.raises(QuotaWait):
        call(governor)  # more are waiting than can be served: it is told the last time, and asks again then
    for at in told:
        clock.now = max(clock.now, at + 1.0)
        call(governor)


def test_imports_are_promised_no_more_than_their_share() -> None:
    clock = Clockwork()
    governor = clock.governor(Quota(1000.0, 10, 4))
    for _ in range(6):
        instants(clock, governor, 1, "history")
        clock.now += 600
    times = []
    for purpose in ("history", "history", "daily"):
        if purpose == "daily":
            instants(clock, governor, 4)
        with pytest.raises(QuotaWait) as caught:
            call(governor, purpose=purpose)  # type: ignore[arg-type]  # the two words are the type's own
        times.append(caught.value.retry_after or 0)
    assert times[0] < times[1] < times[2], "the third call that leaves is the first that nobody was promised"


def test_a_household_s_code_does_not_wait_for_the_next_day() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    call(governor, purpose="connect")
    assert governor.left() == 0
    with pytest.raises(QuotaWait):
        call(governor)


@pytest.mark.parametrize(
    ("calls", "left", "seconds"),
    [
        (0, 0, 0),
        (100, 3000, 107),
        (3000, 3000, 3210),
        (3001, 3000, DAY + 1.07),
        (9000, 3000, 2 * DAY + 3210),
        (1, 0, DAY + 1.07),
    ],
)
def test_how_long_an_import_takes_counts_the_days(calls: int, left: int, seconds: float) -> None:
    assert time_needed(calls, GRDF, "history", left) == pytest.approx(seconds)


def test_a_ledger_of_a_former_version_is_read() -> None:
    told = json.loads(Ledger(calls={1: [2, 3]}).text())
    del told["promised"]
    assert Ledger.read(json.dumps(told)) == Ledger(calls={1: [2, 3]})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 9000), min_size=20, max_size=80), st.integers(0, 364))
def test_no_24_hours_and_no_paris_day_have_more_calls_than_allowed(gaps: list[float], day: int) -> None:
    clock = Clockwork(datetime(2026, 1, 1, 12, tzinfo=PARIS).timestamp() + day * DAY)
    governor, made = clock.governor(SMALL), []
    for gap in gaps:
        clock.now += gap
        try:
            call(governor)
        except QuotaExceeded:
            continue
        made.append(clock.now)
    for at in made:
        assert sum(at <= each < at + DAY for each in made) <= SMALL.calls_per_day
        paris = datetime.fromtimestamp(at, PARIS).date()
        assert sum(datetime.fromtimestamp(each, PARIS).date() == paris for each in made) <= SMALL.calls_per_day


def test_the_day_of_25_hours_is_one_day() -> None:
    clock = Clockwork(datetime(2026, 10, 25, 0, 1, tzinfo=PARIS).timestamp())
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    clock.now += DAY + 600
    assert datetime.fromtimestamp(clock.now, PARIS).strftime("%d %H:%M") == "25 23:11"
    with pytest.raises(QuotaExceeded, match="from 00:00 on 26 October 2026"):
        call(governor)


def test_a_full_day_is_a_small_text() -> None:
    quota = Quota(1.0, 100_000)
    ledger = Ledger()
    for at in range(0, int(DAY), 60):
        ledger.ask(NOON + at, quota, "daily", None, patience=600)
    assert len(ledger.text()) < 6000
