"""The quota's pace: who may call when, on a simulated clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.ledger import Ledger, Ticket, Wait
from grdf.quota.terms import CONNECT, MARGIN, Purpose, Quota
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
    quota, ledger = Quota(pace, 6000), Ledger()
    waiting = [(NOON + at, Ticket(purpose)) for purpose, at in callers]
    made: list[float] = []
    pause = (0.0, 0.0)
    while waiting:
        waiting.sort(key=lambda each: each[0])
        now, ticket = waiting.pop(0)
        if refused_at is not None and now >= NOON + refused_at:
            pause, refused_at = (now, now + ledger.pause.begin(now, 7)), None
        told = ledger.ask(now, quota, ticket, patience=600)
        ledger = Ledger.read(ledger.text(), now)
        if told.seconds:
            late = chance.random() * (0.5 if chance.random() < 0.1 else 0.01)
            waiting.append((now + max(told.seconds, 1e-4) + late, ticket))
        else:
            made.append(now)
    assert len(made) == len(callers)
    assert ledger.used()[0] == len(callers), "a call that waits is counted once"
    assert all(after - before >= quota.distance - 1e-6 for before, after in pairwise(made))
    assert not [each for each in made if pause[0] < each < pause[1]]


def ask(ledger: Ledger, now: float, ticket: Ticket | None = None, patience: float = 600) -> Wait:
    return ledger.ask(now, GRDF, ticket or Ticket(), patience=patience)


def test_first_come_first_served() -> None:
    ledger, tickets = Ledger(), [Ticket() for _ in range(5)]
    for number, ticket in enumerate(tickets):
        ask(ledger, NOON + number / 100, ticket)
    instants = [ticket.at for ticket in tickets]
    assert instants == sorted(set(instants))


def test_history_stands_back_behind_daily_runs() -> None:
    ledger = Ledger()
    for _ in range(3):
        ask(ledger, NOON, Ticket("history"))
    ask(ledger, NOON, fourth := Ticket("history"))
    assert not fourth.at, "it holds no place in the queue"
    booked = ask(ledger, NOON, daily := Ticket())
    assert daily.at
    assert booked.seconds <= 3 * GRDF.distance, "few imports are before it, however many wait"


def test_a_person_does_not_wait_behind_the_tasks() -> None:
    ledger = Ledger()
    for _ in range(100):
        ask(ledger, NOON)
    assert ask(ledger, NOON, Ticket("connect"), patience=20).seconds <= GRDF.distance
    assert ask(ledger, NOON, Ticket(CONNECT.of_token.purpose), patience=20).seconds <= GRDF.distance
    assert ask(ledger, NOON).seconds > 99


def test_a_queue_longer_than_anybody_waits_is_said_at_once() -> None:
    clock = Clockwork()
    clock.update(clock.governor()._key, lambda _text, _now: (Ledger(free=NOON + 700).text(), None))
    with pytest.raises(QuotaExceeded, match=r"Account home: .*more calls are waiting .* until 12:11") as caught:
        call(clock.governor(), account="home")
    assert clock.now == NOON
    assert caught.value.retry_after == pytest.approx(700)


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    clock = Clockwork()
    call(clock.governor())
    clock.now -= 7200
    made = instants(clock, clock.governor(), 2)
    assert made == pytest.approx([NOON - 7200, NOON - 7200 + GRDF.distance], abs=0.01)
