"""The quota's pace: who may call when, on a simulated clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.allowance import MARGIN, Purpose, Quota, Ticket
from grdf.quota.ledger import Ledger
from grdf.quota.terms import CONNECT, DAILY, HISTORY, Terms
from include.gas.errors import QuotaExceeded
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call, instants


def test_the_first_call_goes_at_once_and_the_others_keep_their_distance() -> None:
    clock = Clockwork()
    made = instants(clock, clock.governor(), 10)
    assert made[0] == NOON
    assert [round(after - before, 6) for before, after in pairwise(made)] == [1 + MARGIN] * 9


def test_one_client_is_one_client_whatever_connection_names_it() -> None:
    clock = Clockwork()
    for client in ("one", "one", "other"):
        call(clock.governor(client_id=client))
    assert clock.passed == pytest.approx(1 + MARGIN)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["daily", "history", "connect"]), st.floats(0, 3)), min_size=2, max_size=25),
    st.sampled_from([0.5, 1.0, 5.0]),
    st.one_of(st.none(), st.floats(0, 20)),
    st.randoms(use_true_random=False),
)
def test_however_late_they_wake_the_distance_is_kept(
    callers: list[tuple[Purpose, float]], pace: float, refused_at: float | None, chance: Any
) -> None:
    """Also over a pause, and everybody goes."""
    quota, ledger = Quota(pace, 6000, 3000), Ledger()
    waiting: list[tuple[float, Terms, Ticket | None]] = [(NOON + at, Terms(purpose), None) for purpose, at in callers]
    made: list[float] = []
    pause = (0.0, 0.0)
    while waiting:
        waiting.sort(key=lambda each: each[0])
        now, terms, ticket = waiting.pop(0)
        if refused_at is not None and now >= NOON + refused_at:
            pause, refused_at = (now, now + ledger.refused(now, 7)), None
        told = ledger.ask(now, quota, terms, ticket, patience=600)
        ledger = Ledger.read(ledger.text())
        if told.seconds:
            late = chance.random() * (0.5 if chance.random() < 0.1 else 0.01)
            waiting.append((now + max(told.seconds, 1e-4) + late, terms, told.ticket))
        else:
            made.append(now)
    assert len(made) == len(callers)
    assert ledger.used()[0] == len(callers), "a call that waits is counted once"
    assert all(after - before >= quota.distance - 1e-6 for before, after in pairwise(made))
    assert not [each for each in made if pause[0] < each < pause[1]]


def test_first_come_first_served() -> None:
    ledger, tickets = Ledger(), []
    for number in range(5):
        told = ledger.ask(NOON + number / 100, GRDF, DAILY, None, patience=600)
        assert told.ticket
        tickets.append(told.ticket.at)
    assert tickets == sorted(set(tickets))


def test_history_stands_back_behind_daily_runs() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger.ask(NOON, GRDF, HISTORY, None, patience=600)
    assert ledger.ask(NOON, GRDF, HISTORY, None, patience=600).ticket is None, "it holds no place in the queue"
    booked = ledger.ask(NOON, GRDF, DAILY, None, patience=600)
    assert booked.ticket is not None
    assert booked.seconds <= 3 * GRDF.distance, "few imports are before it, however many wait"


def test_a_person_does_not_wait_behind_the_tasks() -> None:
    ledger = Ledger()
    for _ in range(100):
        ledger.ask(NOON, GRDF, DAILY, None, patience=600)
    assert ledger.ask(NOON, GRDF, CONNECT, None, patience=20).seconds <= GRDF.distance
    assert ledger.ask(NOON, GRDF, CONNECT.of_token, None, patience=20).seconds <= GRDF.distance
    assert ledger.ask(NOON, GRDF, DAILY, None, patience=600).seconds > 99


def test_a_queue_longer_than_anybody_waits_is_said_at_once() -> None:
    clock = Clockwork()
    clock.update(clock.governor()._key, lambda _text, _now: (Ledger(free=NOON + 700).text(), None))
    with pytest.raises(QuotaExceeded, match=r"Account home: .*more calls are waiting .* until 12:11") as caught:
        call(clock.governor(), account="home")
    assert clock.now == NOON
    assert caught.value.retry_after == pytest.approx(700)


@pytest.mark.parametrize("back", [0.5, 3600.0, 400 * 86_400.0])
def test_a_clock_that_is_set_back_stops_nobody(back: float) -> None:
    clock = Clockwork()
    quota = Quota(1.0, 10)
    instants(clock, clock.governor(quota), 3)
    clock.governor(quota).after_call(429, 20)
    clock.now -= back
    before = clock.now
    instants(clock, clock.governor(quota), 2)
    assert 20 < clock.now - before < 24, "what was left of the pause is left"
    assert clock.governor(quota).left() == 5, "what was made later than now counts as made now"
