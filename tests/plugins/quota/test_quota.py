"""GRDF's quota on a simulated clock: who may call when, who gets the calls of a day, and what pauses whom."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.call_terms import CONNECT, MARGIN, Booking, Purpose, Quota, Terms
from grdf.quota.governor import Governor
from grdf.quota.quota_state import DAY, FIRST_PAUSE, KEPT, LONGEST_PAUSE, QuotaState, Ticket
from include.gas.days.gas_day import PARIS
from include.gas.errors import QuotaExceeded, QuotaWait
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call, instants

SMALL = Quota(1000.0, 10)


def task(name: str, calls: int = 1, read: float = 0.0) -> Booking:
    return Booking(name, calls, lambda: NOON + read)


def refused(clock: Clockwork, governor: Governor, **owner: Any) -> float:
    with pytest.raises(QuotaWait) as caught:
        call(governor, **owner)
    return clock.now + (caught.value.retry_after or 0)


def test_calls_of_one_client_keep_their_distance_whatever_connection_names_it() -> None:
    clock = Clockwork()
    made = instants(clock, clock.governor(), 3) + instants(clock, clock.governor(), 2)
    assert made[0] == NOON
    assert [round(after - before, 6) for before, after in pairwise(made)] == [1 + MARGIN] * 4
    call(clock.governor(client_id="other"))
    assert clock.now == made[-1]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["daily", "history", "connect"]), st.floats(0, 3)), min_size=2, max_size=25),
    st.sampled_from([0.5, 1.0, 5.0]),
    st.one_of(st.none(), st.floats(0, 20)),
    st.randoms(use_true_random=False),
)
def test_however_late_they_wake_the_distance_is_kept_also_over_a_pause_and_everybody_goes(
    callers: list[tuple[Purpose, float]], pace: float, refused_at: float | None, chance: Any
) -> None:
    quota, ledger = Quota(pace, 6000), QuotaState()
    waiting = [(NOON + at, Ticket(purpose)) for purpose, at in callers]
    made: list[float] = []
    pause = (0.0, 0.0)
    while waiting:
        waiting.sort(key=lambda each: each[0])
        now, ticket = waiting.pop(0)
        if refused_at is not None and now >= NOON + refused_at:
            pause, refused_at = (now, now + ledger.pause.begin(now, 7)), None
        wait = ledger.request_call(now, quota, ticket, patience=600)
        ledger = QuotaState.parse(ledger.to_text(), now)
        if wait.seconds:
            late = chance.random() * (0.5 if chance.random() < 0.1 else 0.01)
            waiting.append((now + max(wait.seconds, 1e-4) + late, ticket))
        else:
            made.append(now)
    assert len(made) == len(callers)
    assert ledger.count_calls()[0] == len(callers), "a call that waits is counted once"
    assert all(after - before >= quota.distance - 1e-6 for before, after in pairwise(made))
    assert not [each for each in made if pause[0] < each < pause[1]]


def ask(ledger: QuotaState, ticket: Ticket | None = None, patience: float = 600, at: float = NOON) -> float:
    return ledger.request_call(at, GRDF, ticket or Ticket(), patience=patience).seconds


def test_first_come_first_served_but_imports_stand_back_and_persons_go_first() -> None:
    ledger, tickets = QuotaState(), [Ticket() for _ in range(5)]
    for number, ticket in enumerate(tickets):
        ask(ledger, ticket, at=NOON + number / 100)
    booked = [ticket.at for ticket in tickets]
    assert booked == sorted(set(booked))
    ledger, past = QuotaState(), [Ticket("history") for _ in range(4)]
    for ticket in past:
        ask(ledger, ticket)
    assert not past[-1].at, "it holds no place in the queue"
    assert ask(ledger) <= 3 * GRDF.distance, "few imports are before it, however many wait"
    for _ in range(100):
        ask(ledger)
    for purpose in ("connect", CONNECT.for_token.purpose):
        assert ask(ledger, Ticket(purpose), patience=20) <= GRDF.distance
    assert ask(ledger) > 99


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    clock = Clockwork()
    call(clock.governor())
    clock.now -= 7200
    assert instants(clock, clock.governor(), 2) == pytest.approx([NOON - 7200, NOON - 7200 + GRDF.distance], abs=0.01)


@pytest.mark.parametrize(
    ("others", "late", "passed"),
    [
        (0, 0.25, 0.25),  # a handshake: no other went, so it goes at once
        (1, 1.5, 1.5 + GRDF.distance),  # somebody went meanwhile: it waits like anybody
    ],
)
def test_who_is_held_up_after_its_turn_drew_near(others: int, late: float, passed: float) -> None:
    clock = Clockwork()
    turn = clock.governor().turn()
    clock.now += late
    for _ in range(others):
        call(clock.governor())
    turn.wait_for_turn()
    assert clock.passed == pytest.approx(passed)
    call(clock.governor())
    assert clock.passed == pytest.approx(passed + GRDF.distance), "the next one keeps its distance"


def test_a_machine_that_is_always_late_goes_in_the_end() -> None:
    clock, asked = Clockwork(), list[float]()

    def slow(key: str, change: object, update: Callable[..., object] = clock.update) -> object:
        result = update(key, change)
        asked.append(clock.now)
        clock.now += 0.2
        return result

    clock.update = slow  # type: ignore[assignment,method-assign]
    call(clock.governor())
    assert (len(asked), clock.passed) == (4, pytest.approx(0.8))


def test_a_429_alone_makes_everybody_wait_as_long_as_grdf_says() -> None:
    clock = Clockwork()
    for status, passed in ((200, 0), (401, 0), (503, 0), (429, 41)):
        clock.governor().after_call(status, 41)
        call(clock.governor())
        assert clock.passed == pytest.approx(passed, abs=5)


def test_without_a_time_the_pause_doubles_while_429s_go_on() -> None:
    clock, pauses = Clockwork(), []
    for _ in range(13):
        before = clock.now
        clock.governor().after_call(429, None)
        clock.governor().after_call(429, None)  # was in progress at the same time
        clock.now += QuotaState.parse(next(iter(clock.texts.values())), before).pause.until - before
        call(clock.governor())
        pauses.append(round(clock.now - before))
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(13)]
    clock.now += 3 * LONGEST_PAUSE
    assert QuotaState.parse(next(iter(clock.texts.values())), clock.now).pause.begin(clock.now) == FIRST_PAUSE


def test_a_refused_token_pauses_who_has_the_same_credentials_and_a_429_everybody() -> None:
    clock = Clockwork()
    clock.governor(credentials="old secret").note_refusal()
    call(clock.governor(credentials="new secret"))
    assert clock.now == NOON
    clock.governor(credentials="new secret").after_call(429, None)
    call(clock.governor(credentials="new secret"))
    assert clock.passed == pytest.approx(FIRST_PAUSE)


def queue(clock: Clockwork) -> None:
    clock.update(clock.governor()._key, lambda _text, _now: (QuotaState(free=NOON + 700).to_text(), None))


@pytest.mark.parametrize(
    ("full", "seconds", "said"),
    [
        (queue, 700, r"more calls are waiting .* until 12:11"),
        (lambda clock: clock.governor().after_call(429, 7200), 7200, r"wait until 14:00 on 10 March 2026"),
        (lambda clock: instants(clock, clock.governor(SMALL), 10), DAY + 300, r"all 10 calls .* 12:05 on 11 March"),
    ],
    ids=["queue", "pause", "day"],
)
def test_what_nobody_waits_for_is_said_at_once_with_the_time_when_it_goes_on(
    full: Callable[[Clockwork], object], seconds: float, said: str
) -> None:
    clock = Clockwork()
    full(clock)
    began = clock.now
    governor = clock.governor(SMALL if "all 10" in said else GRDF)
    with pytest.raises(QuotaExceeded, match=rf"Account home: GRDF was not called, .*{said}") as caught:
        call(governor, account="home", booking=Booking("run"))
    assert clock.now == began
    assert caught.value.state is None, "nothing for the household to do"
    assert caught.value.retry_after == pytest.approx(seconds, abs=1)
    clock.now += seconds - 2
    if "all 10" in said:
        refused(clock, governor, booking=Booking("run"))
    clock.now += 3
    call(governor, booking=Booking("run"))


def test_imports_leave_half_of_the_day_and_what_daily_runs_took_of_late_and_wait_for() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 5, "history")
    assert (governor.calls_left("history"), governor.calls_left("daily")) == (0, 5)
    with pytest.raises(QuotaExceeded, match=r"the other 5 are kept for daily runs"):
        call(governor, purpose="history")
    instants(clock, governor, 5)
    with pytest.raises(QuotaExceeded, match="all 10 calls"):
        call(governor, purpose="history")
    governor = clock.governor(Quota(1000.0, 100), "other")
    assert governor.calls_left("history") == 50
    instants(clock, governor, 80)
    assert governor.calls_left("history") == 16, "a twentieth of what they took is left to them, too"
    instants(clock, governor, 16, "history")
    with pytest.raises(QuotaWait, match=r"the 16 calls that imports .* the other 84 are kept for daily runs"):
        call(governor, purpose="history")
    refused(clock, governor, booking=task("many", 6))
    assert governor.calls_left("history") == 0
    instants(clock, governor, 4)
    assert QuotaState(calls={1: {"daily": 9000}}).share(Quota(1.0, 6000), "history") == 60, "imports do not end"


@pytest.mark.parametrize(
    ("calls", "seconds"), [(0, 0), (100, 107), (3000, 3210), (3001, DAY + 1.07), (9000, 2 * DAY + 3210)]
)
def test_how_long_an_import_takes_counts_the_days(calls: int, seconds: float) -> None:
    assert Clockwork().governor().time_needed(calls) == pytest.approx(seconds)


def test_the_day_of_25_hours_is_one_day() -> None:
    clock = Clockwork(datetime(2026, 10, 25, 0, 1, tzinfo=PARIS).timestamp())
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    clock.now += DAY + 600
    with pytest.raises(QuotaExceeded, match="from 00:00 on 26 October 2026"):
        call(governor, booking=Booking("run"))


def test_who_was_read_longest_ago_comes_first_and_gathers_its_calls() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    for _ in range(10):
        instants(clock, governor, 1)
        clock.now += 600
    at = refused(clock, governor, booking=task("many", 6, read=-2 * DAY))
    clock.now = NOON + DAY + 400  # one of ten does not count any more
    for number in range(2):
        refused(clock, governor, booking=task(f"one-{number}", read=-DAY))
    call(governor, booking=task("long ago", read=-3 * DAY))
    clock.now = at + 601
    many = task("many", 6, read=-2 * DAY)
    for _ in range(6):
        call(governor, booking=many)
    refused(clock, governor, booking=task("late", read=-DAY / 2))
    clock.now += 601
    call(governor, booking=task("one-0", read=-DAY))


def test_what_serves_all_waits_for_nobody_and_who_is_not_short_of_calls_is_not_asked_when_it_was_read() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    call(governor, booking=Booking("task", 1, lambda: pytest.fail("it was asked")))
    instants(clock, governor, 7)
    refused(clock, governor, booking=task("many", 5))
    refused(clock, governor, booking=task("one", read=1))
    call(governor)
    assert governor.calls_left() == 1


def test_what_a_task_does_not_need_or_is_dead_for_is_free_again() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    done = Terms(booking=task("done", 4))
    call(governor, booking=done.booking)
    assert governor.calls_left() == 6
    governor.release_calls(done)
    assert governor.calls_left() == 9
    at = refused(clock, governor, booking=task("dead", 10))
    clock.now = at + 1
    refused(clock, governor, booking=task("one", read=1))
    clock.now = at + KEPT + 1
    call(governor, booking=task("one", read=1))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 2 * DAY), st.integers(1, 9), st.sampled_from(["daily", "daily", "history"])),
        min_size=5,
        max_size=60,
    ),
    st.integers(0, 364),
)
def test_no_day_has_too_many_calls_and_every_task_ends(tasks: list[tuple[float, int, Purpose]], day: int) -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=PARIS).timestamp() + day * DAY
    clock, quota, made = Clockwork(start), Quota(1000.0, 20), []
    governor = clock.governor(quota)
    queue = [(start + at, number, calls, purpose) for number, (at, calls, purpose) in enumerate(tasks)]
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
    dates = Counter(datetime.fromtimestamp(each, PARIS).date() for each in made)
    assert max(dates.values()) <= quota.calls_per_day, "no more on a day of Paris either"
