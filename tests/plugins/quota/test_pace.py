"""The quota's pace: who may call when, on a simulated clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.quota.allowance import MARGIN, Go, Purpose, Quota, Ticket, Wait
from grdf.quota.ledger import OVERTAKEN, Ledger
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
    st.lists(st.tuples(st.sampled_from(["daily", "history"]), st.floats(0, 3)), min_size=2, max_size=25),
    st.sampled_from([0.5, 1.0, 5.0]),
    st.randoms(use_true_random=False),
)
def test_however_late_they_wake_the_distance_is_kept(
    callers: list[tuple[Purpose, float]], pace: float, chance: Any
) -> None:
    quota, ledger = Quota(pace, 6000, 3000), Ledger()
    waiting: list[tuple[float, Purpose, Ticket | None]] = [(NOON + at, purpose, None) for purpose, at in callers]
    made: list[float] = []
    while waiting:
        waiting.sort(key=lambda each: each[0])
        now, purpose, ticket = waiting.pop(0)
        verdict = ledger.ask(now, quota, purpose, ticket, patience=600)
        ledger = Ledger.read(ledger.text())
        if isinstance(verdict, Wait):
            late = chance.random() * (0.5 if chance.random() < 0.1 else 0.01)
            waiting.append((now + max(verdict.seconds, 1e-4) + late, purpose, verdict.ticket))
        else:
            assert isinstance(verdict, Go)
            made.append(now)
    assert len(made) == len(callers)
    assert ledger.used()[0] == len(callers), "a call that waits is counted once"
    assert all(after - before >= quota.distance - 1e-6 for before, after in pairwise(made))


def test_first_come_first_served() -> None:
    ledger, tickets = Ledger(), []
    for number in range(5):
        verdict = ledger.ask(NOON + number / 100, GRDF, "daily", None, patience=600)
        tickets.append(verdict.ticket.at if isinstance(verdict, Wait) and verdict.ticket else NOON)
    assert tickets == sorted(tickets)
    assert len(set(tickets)) == 5


def test_who_was_held_up_goes_at_once_and_the_next_keeps_its_distance_to_that() -> None:
    ledger, distance = Ledger(), GRDF.distance
    gone = ledger.ask(NOON, GRDF, "daily", None, patience=600)
    assert isinstance(gone, Go)
    next_one = ledger.ask(NOON + 0.01, GRDF, "daily", None, patience=600)
    assert isinstance(next_one, Wait)
    again = Ledger.read(ledger.text()).ask(NOON + 0.3, GRDF, "daily", gone.ticket, patience=600)
    assert isinstance(again, Go)
    ledger.ask(NOON + 0.3, GRDF, "daily", gone.ticket, patience=600)
    wait = ledger.ask(NOON + distance, GRDF, "daily", next_one.ticket, patience=600)
    assert isinstance(wait, Wait)
    assert wait.seconds == pytest.approx(0.3)
    assert ledger.used() == (2, 0), "it is one call"
    assert ledger.since == 1


def test_who_was_held_up_goes_before_somebody_who_is_waited_for() -> None:
    ledger = Ledger()
    gone = ledger.ask(NOON, GRDF, "daily", None, patience=600)
    assert isinstance(gone, Go)
    overtaken = ledger.ask(NOON + 0.1, GRDF, "daily", Ticket(NOON - 5, 0, OVERTAKEN), patience=600)
    assert isinstance(overtaken, Wait)
    assert ledger.kept_for == NOON - 5
    assert isinstance(ledger.ask(NOON + 0.2, GRDF, "daily", gone.ticket, patience=600), Go)
    assert isinstance(ledger.ask(NOON + 0.2 + GRDF.distance, GRDF, "daily", overtaken.ticket, patience=600), Go)


def test_who_was_held_up_until_others_went_is_late_like_anybody() -> None:
    ledger, distance = Ledger(), GRDF.distance
    gone = ledger.ask(NOON, GRDF, "daily", None, patience=600)
    assert isinstance(gone, Go)
    assert isinstance(ledger.ask(NOON + distance, GRDF, "daily", None, patience=600), Go)
    late = ledger.ask(NOON + distance + 0.2, GRDF, "daily", gone.ticket, patience=600)
    assert isinstance(late, Wait)
    assert late.seconds == pytest.approx(distance - 0.2)
    ledger.refused(NOON + distance + 0.3, 30)
    paused = ledger.ask(NOON + distance + 0.4, GRDF, "daily", late.ticket, patience=600)
    assert isinstance(paused, Wait)
    assert paused.paused
    assert ledger.used() == (2, 0)


def test_who_always_comes_last_is_waited_for_in_the_end() -> None:
    """Others always call at exactly the time that becomes free, and one always calls a moment later."""
    distance = GRDF.distance
    ledger = Ledger(last=NOON, free=NOON + distance)
    late, due, overtaken = Ticket(NOON - 5, 0), NOON + distance, 0
    for _ in range(3 * OVERTAKEN):
        kept = ledger.ask(due, GRDF, "daily", Ticket(due, 0), patience=600)
        overtaken += isinstance(kept, Go)
        verdict = ledger.ask(due + 0.01, GRDF, "daily", late, patience=600)
        ledger = Ledger.read(ledger.text())
        if isinstance(verdict, Go):
            break
        assert isinstance(verdict, Wait)
        assert verdict.ticket
        late, due = verdict.ticket, due + distance
    assert isinstance(verdict, Go)
    assert isinstance(kept, Wait)
    assert kept.seconds == distance
    assert overtaken == OVERTAKEN
    after = ledger.ask(due + 0.01 + distance, GRDF, "daily", kept.ticket, patience=600)
    assert isinstance(after, Go), "and then the others go on"


def test_who_asks_before_it_is_its_turn_was_not_overtaken() -> None:
    ledger, ticket = Ledger(last=NOON, free=NOON + 101), Ticket(NOON + 100, 0)
    for second in range(2 * OVERTAKEN):
        verdict = ledger.ask(NOON + second, GRDF, "daily", ticket, patience=600)
        assert isinstance(verdict, Wait)
        assert verdict.ticket == ticket
    assert ledger.kept_until == 0


def test_of_two_who_were_overtaken_the_one_booked_first_is_waited_for() -> None:
    ledger, distance = Ledger(last=NOON, free=NOON + GRDF.distance), GRDF.distance
    first, second = Ticket(NOON - 9, 0, OVERTAKEN), Ticket(NOON - 5, 0, OVERTAKEN)
    for ticket in (first, second):
        ledger.ask(NOON + 0.5, GRDF, "daily", ticket, patience=600)
    assert isinstance(ledger.ask(NOON + distance, GRDF, "daily", second, patience=600), Wait)
    assert isinstance(ledger.ask(NOON + distance + 0.1, GRDF, "daily", first, patience=600), Go)


def test_somebody_who_is_waited_for_and_died_costs_one_instant() -> None:
    distance = GRDF.distance
    ledger = Ledger(last=NOON, free=NOON + distance)
    ledger.ask(NOON + 0.5, GRDF, "daily", Ticket(NOON - 5, 0, OVERTAKEN), patience=600)
    first = ledger.ask(NOON + distance, GRDF, "daily", Ticket(NOON + distance, 0), patience=600)
    assert isinstance(first, Wait)
    assert isinstance(ledger.ask(NOON + 2 * distance, GRDF, "daily", first.ticket, patience=600), Go)


def test_nobody_is_waited_for_once_the_clock_was_set_back_or_a_pause_began() -> None:
    for end in (
        lambda ledger: ledger.ask(NOON - 3600, GRDF, "daily", None, patience=600),
        lambda ledger: ledger.refused(NOON, 2),
    ):
        ledger = Ledger(last=NOON, free=NOON + GRDF.distance)
        ledger.ask(NOON + 0.5, GRDF, "daily", Ticket(NOON - 5, 0, OVERTAKEN), patience=600)
        assert ledger.kept_until > NOON
        end(ledger)
        assert ledger.kept_until == 0


def test_history_stands_back_behind_daily_runs() -> None:
    ledger = Ledger()
    for _ in range(3):
        assert not isinstance(ledger.ask(NOON, GRDF, "history", None, patience=600), Go) or not ledger.used()[0] > 1
    refused = ledger.ask(NOON, GRDF, "history", None, patience=600)
    assert isinstance(refused, Wait)
    assert refused.ticket is None, "it holds no place in the queue"
    booked = ledger.ask(NOON, GRDF, "daily", None, patience=600)
    assert isinstance(booked, Wait)
    assert booked.ticket is not None
    assert booked.seconds <= 3 * GRDF.distance, "few imports are before it, however many wait"


def test_a_queue_longer_than_anybody_waits_is_said_at_once() -> None:
    clock = Clockwork()
    ledger = Ledger(free=NOON + 700)
    clock.update(clock.governor()._key, lambda _text, _now: (ledger.text(), None))
    with pytest.raises(QuotaExceeded, match=r"Account home: .*10 minutes") as caught:
        call(clock.governor(), account="home")
    assert clock.now == NOON
    assert caught.value.retry_after == pytest.approx(700)


def test_waiting_is_said_once_a_minute_in_words(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 190)
    with caplog.at_level("INFO", logger="grdf.quota.turn"):
        call(clock.governor(), account="home")
    said = [record.getMessage() for record in caplog.records if "Waiting" in record.getMessage()]
    assert said == [
        f"Waiting {seconds} s for GRDF's quota: GRDF asked us to slow down (HTTP 429)."
        for seconds in (190, 130, 70, 10)
    ]


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    clock = Clockwork()
    instants(clock, clock.governor(), 3)
    clock.now -= 3600
    before = clock.now
    instants(clock, clock.governor(), 2)
    assert clock.now - before < 4
