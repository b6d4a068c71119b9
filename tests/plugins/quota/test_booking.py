"""Who gets the calls of a day when there are fewer than are wanted, on a simulated clock."""

from __future__ import annotations

import heapq
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.governor import Governor
from grdf.quota.ledger import DAY, KEPT, Ledger
from grdf.quota.terms import Booking, Purpose, Quota, Terms
from include.gas.errors import QuotaWait
from tests.plugins.clockwork import NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 10)


def task(name: str, calls: int = 1, read: float = 0.0) -> Booking:
    """Return the calls of an account's daily run.

    :param read: how many seconds after the start of the test it was last read
    """
    return Booking(name, calls, lambda: NOON + read)


def told(clock: Clockwork, governor: Governor, **whose: Any) -> float:
    """Return the time from which a call that has to wait may be tried again."""
    with pytest.raises(QuotaWait) as caught:
        call(governor, **whose)
    return clock.now + (caught.value.retry_after or 0)


def test_all_calls_of_a_task_are_made_or_none() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 4)
    clock.now += 3600
    instants(clock, governor, 4)
    at = told(clock, governor, booking=task("task", 5))
    assert at == pytest.approx(NOON + DAY + 300, abs=5)
    assert governor.left() == 2
    clock.now = at + 1
    again = task("task", 5)
    for _ in range(5):
        call(governor, booking=again)


def test_who_was_read_longest_ago_comes_first_and_gathers_its_calls() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    for _ in range(10):
        instants(clock, governor, 1)
        clock.now += 600
    at = told(clock, governor, booking=task("many", 6, read=-2 * DAY))
    clock.now = NOON + DAY + 400  # one of ten does not count any more
    for number in range(2):
        told(clock, governor, booking=task(f"one-{number}", read=-DAY))
    call(governor, booking=task("long ago", read=-3 * DAY))
    clock.now = at + 601
    many = task("many", 6, read=-2 * DAY)
    for _ in range(6):
        call(governor, booking=many)
    told(clock, governor, booking=task("late", read=-DAY / 2))
    clock.now += 601
    call(governor, booking=task("one-0", read=-DAY))


def test_who_is_not_short_of_calls_is_not_asked_when_it_was_read() -> None:
    def nobody_asks() -> float:
        raise AssertionError

    call(Clockwork().governor(SMALL), booking=Booking("task", 5, nobody_asks))


def test_what_serves_all_waits_for_nobody() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 8)
    told(clock, governor, booking=task("many", 5))
    told(clock, governor, booking=task("one", read=1))
    call(governor)
    assert governor.left() == 1


def test_what_a_task_does_not_need_or_is_dead_for_is_free_again() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    done = Terms(booking=task("done", 4))
    call(governor, booking=done.booking)
    assert governor.left() == 6
    governor.release(done)
    assert governor.left() == 9
    at = told(clock, governor, booking=task("dead", 10))
    clock.now = at + 1
    told(clock, governor, booking=task("one", read=1))
    clock.now = at + KEPT + 1
    call(governor, booking=task("one", read=1))


def test_imports_leave_what_daily_runs_took_of_late_and_wait_for() -> None:
    clock = Clockwork()
    governor = clock.governor(Quota(1000.0, 100))
    assert governor.left("history") == 50
    instants(clock, governor, 80)
    assert governor.left("history") == 16, "a twentieth of what they took is left to them, too"
    instants(clock, governor, 16, "history")
    with pytest.raises(QuotaWait, match=r"the 16 calls that imports .* the other 84 are kept for daily runs"):
        call(governor, purpose="history")
    told(clock, governor, booking=task("many", 6))
    assert governor.left("history") == 0
    instants(clock, governor, 4)


def test_imports_do_not_end_where_daily_runs_want_all() -> None:
    assert Ledger(calls={1: {"daily": 9000}}).share(Quota(1.0, 6000), "history") == 60


def test_a_call_that_a_long_pause_prevents_is_not_counted() -> None:
    clock = Clockwork()
    governor = clock.governor(Quota(0.5, 10))
    instants(clock, governor, 1)
    terms = Terms(booking=task("task", 2))
    turn = governor.turn(terms)
    assert governor.left() == 7
    governor.after_call(429, 7200)
    with pytest.raises(QuotaWait):
        turn.take()
    assert governor.left() == 9
    clock.now += 7201
    for _ in range(2):
        call(governor, booking=terms.booking)
    assert governor.left() == 7


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 2 * DAY), st.integers(1, 9), st.sampled_from(["daily", "daily", "history"])),
        min_size=5,
        max_size=60,
    )
)
def test_no_day_has_too_many_calls_and_everybody_ends(tasks: list[tuple[float, int, Purpose]]) -> None:
    """Tasks start at any time, make their calls, and run again when they were told to."""
    clock = Clockwork()
    quota = Quota(1000.0, 20)
    governor, made = clock.governor(quota), []
    queue = [(NOON + at, number, calls, purpose) for number, (at, calls, purpose) in enumerate(tasks)]
    heapq.heapify(queue)
    while queue:
        at, number, calls, purpose = heapq.heappop(queue)
        clock.now = max(clock.now, at)
        mine = task(str(number), calls, read=number)
        try:
            while mine.calls:
                call(governor, purpose=purpose, booking=mine)
                made.append(clock.now)
        except QuotaWait as wait:
            heapq.heappush(queue, (clock.now + max(5.0, wait.retry_after or 0), number, mine.calls, purpose))
    assert len(made) == sum(calls for _, calls, _ in tasks)
    for moment in made:
        assert sum(moment <= each < moment + DAY for each in made) <= quota.calls_per_day
