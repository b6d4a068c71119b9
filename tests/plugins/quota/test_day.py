"""The daily quota: what is left of it and for whom, on a simulated clock."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.ledger import DAY
from grdf.quota.terms import Booking, Quota
from include.gas.days.gas_day import PARIS
from include.gas.errors import QuotaExceeded, QuotaWait
from tests.plugins.clockwork import NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 10)


def test_a_spent_day_is_told_in_words() -> None:
    clock = Clockwork(NOON + 7)
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    assert governor.left() == 0
    with pytest.raises(QuotaExceeded) as caught:
        call(governor, account="home", booking=Booking("run"))
    assert str(caught.value) == (
        "Account home: GRDF was not called, since all 10 calls that GRDF allows in 24 hours are used up. "
        "Nothing to do: it continues automatically from 12:05 on 11 March 2026 (Paris time)."
    )
    assert caught.value.state is None, "nothing for the household to do"
    assert caught.value.retry_after is not None
    clock.now += caught.value.retry_after - 1
    with pytest.raises(QuotaExceeded):
        call(governor, booking=Booking("run"))
    clock.now += 2
    call(governor, booking=Booking("run"))


def test_history_leaves_half_of_the_day_alone() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 5, "history")
    assert (governor.left("history"), governor.left("daily")) == (0, 5)
    with pytest.raises(QuotaExceeded, match=r"the other 5 are kept for daily runs"):
        call(governor, purpose="history")
    instants(clock, governor, 5)
    with pytest.raises(QuotaExceeded, match="all 10 calls"):
        call(governor, purpose="history")


def test_a_household_s_code_does_not_wait_for_the_next_day() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    call(governor, purpose="connect")
    assert governor.left() == 0
    with pytest.raises(QuotaWait):
        call(governor)


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [(0, 0), (100, 107), (3000, 3210), (3001, DAY + 1.07), (9000, 2 * DAY + 3210)],
)
def test_how_long_an_import_takes_counts_the_days(calls: int, seconds: float) -> None:
    assert Clockwork().governor().time_needed(calls) == pytest.approx(seconds)


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
        call(governor, booking=Booking("run"))
