"""Tasks with several calls book all of them, on a simulated clock. No call is promised twice."""

from __future__ import annotations

import heapq
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.allowance import DAY, Purpose, Quota
from grdf.quota.governor import Governor
from grdf.quota.ledger import BLOCK_KEPT, Ledger
from grdf.quota.terms import Booking, Terms
from include.gas.errors import QuotaWait
from tests.plugins.clockwork import NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 10, 4)


def told(clock: Clockwork, governor: Governor, **whose: Any) -> float:
    """Return the time from which a call that has to wait may be tried again."""
    with pytest.raises(QuotaWait) as caught:
        call(governor, **whose)
    return clock.now + (caught.value.retry_after or 0)


def test_a_task_for_which_too_little_is_left_has_all_booked_for_the_next_day() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 4)
    clock.now += 3600
    instants(clock, governor, 4)
    task = Booking("task", 5)
    at = told(clock, governor, booking=task)
    assert at == pytest.approx(NOON + DAY + 300, abs=5)
    instants(clock, governor, 1)
    assert governor.left() == 0, "a second one would have no room beside the five that are booked"
    clock.now = at + 1
    for _ in range(5):
        call(governor, booking=task)


def test_who_comes_for_one_call_does_not_take_what_another_waits_for() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    for _ in range(10):
        instants(clock, governor, 1)
        clock.now += 600
    at = told(clock, governor, booking=Booking("many", 6))
    clock.now = NOON + DAY + 400  # two of ten no longer count; the six are free when four more do not
    for number in range(2):
        told(clock, governor, booking=Booking(f"one-{number}"))
    assert governor.left() == 0
    clock.now = at + 1
    many = Booking("many", 6)
    for _ in range(6):
        call(governor, booking=many)


def test_what_a_task_does_not_need_or_is_dead_for_is_free_again() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    done, dead = Booking("done", 4), Booking("dead", 5)
    call(governor, booking=done)
    call(governor, booking=dead)
    assert governor.left() == 1
    governor.release(done)
    assert governor.left() == 4
    clock.now += BLOCK_KEPT + 1
    assert governor.left() == 8


def test_imports_leave_what_daily_runs_took_of_late_or_are_known_to_need() -> None:
    clock = Clockwork()
    governor = clock.governor(Quota(1000.0, 100, 20))
    governor.expect(60)
    assert governor.left("history") == 37
    instants(clock, governor, 80)
    assert governor.left("history") == 16, "a twentieth of what they took is left to them, too"
    instants(clock, governor, 16, "history")
    with pytest.raises(QuotaWait, match=r"the 16 calls that imports .* the other 84 are kept for daily runs"):
        call(governor, purpose="history")
    instants(clock, governor, 4)


def test_imports_do_not_end_where_daily_runs_want_all() -> None:
    assert Quota(1.0, 6000, 3000).share("history", 9000) == 60
    assert Quota(1.0, 6000, 5990).share("history", 9000) == 10


def test_a_call_that_a_long_pause_prevents_is_not_counted_and_stays_booked() -> None:
    clock = Clockwork()
    governor = clock.governor(Quota(0.5, 10, 4))
    instants(clock, governor, 1)
    turn = governor.turn(Terms(booking=Booking("task", 2)))
    turn.draw_near()
    assert governor.left() == 7
    governor.after_call(429, 7200)
    with pytest.raises(QuotaWait):
        turn.take()
    assert governor.left() == 7, "both of its calls are still kept for it"
    clock.now += 7201
    again = Booking("task", 2)
    for _ in range(2):
        call(governor, booking=again)
    assert governor.left() == 7


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 2 * DAY), st.integers(1, 9), st.sampled_from(["daily", "daily", "history"])),
        min_size=5,
        max_size=60,
    )
)
def test_no_day_has_too_many_calls_and_a_promise_to_a_daily_run_holds(
    tasks: list[tuple[float, int, Purpose]],
) -> None:
    """Tasks start at any time, make their calls, and run again when they were told to."""
    clock = Clockwork()
    quota = Quota(1000.0, 20, 8)
    governor, made = clock.governor(quota), []
    queue = [(NOON + at, number, calls, purpose, 0) for number, (at, calls, purpose) in enumerate(tasks)]
    heapq.heapify(queue)
    while queue:
        at, number, calls, purpose, times = heapq.heappop(queue)
        clock.now = max(clock.now, at)
        task = Booking(str(number), calls)
        before = len(made)
        try:
            while task.calls:
                call(governor, purpose=purpose, booking=task)
                made.append(clock.now)
            governor.release(task)
        except QuotaWait as wait:
            booked = str(number) in Ledger.read(next(iter(clock.texts.values()))).blocks
            assert not (purpose == "daily" and times == 2 and len(made) == before), "it came in vain"
            times = 2 if booked else 0
            heapq.heappush(queue, (clock.now + (wait.retry_after or 0), number, task.calls, purpose, times))
    assert len(made) == sum(calls for _, calls, _ in tasks)
    for moment in made:
        assert sum(moment <= each < moment + DAY for each in made) <= quota.calls_per_day
