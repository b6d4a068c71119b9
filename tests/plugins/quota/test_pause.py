"""The pause after a 429, which applies to everybody, on a simulated clock."""

from __future__ import annotations

import pytest

from grdf.quota.allowance import Go, Wait
from grdf.quota.ledger import FIRST_PAUSE, FORGIVEN, LONGEST_PAUSE, Ledger
from include.gas.errors import QuotaExceeded
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call


def test_a_429_makes_everybody_wait_as_long_as_grdf_says() -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 41)
    call(clock.governor())
    assert clock.passed == pytest.approx(41)


def test_an_answer_that_is_no_429_pauses_nobody() -> None:
    clock = Clockwork()
    for status in (200, 401, 503):
        clock.governor().after_call(status, 41)
    call(clock.governor())
    assert clock.now == NOON


def test_without_a_time_the_pause_doubles_while_429s_go_on() -> None:
    clock, pauses = Clockwork(), []
    for _ in range(10):
        before = clock.now
        clock.governor().after_call(429, None)
        clock.governor().after_call(429, None)  # was in progress at the same time
        call(clock.governor())
        pauses.append(round(clock.now - before))
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(10)]
    clock.now += 3600
    assert Ledger.read(next(iter(clock.texts.values()))).refused(clock.now, None) == FIRST_PAUSE


def test_a_stray_429_among_calls_that_grdf_takes_pauses_for_the_shortest() -> None:
    clock = Clockwork()
    for _ in range(3):
        clock.governor().after_call(429, None)
        for _ in range(FORGIVEN):
            call(clock.governor())
        before = clock.now
    clock.governor().after_call(429, None)
    call(clock.governor())
    assert round(clock.now - before) == FIRST_PAUSE


def test_a_pause_voids_what_was_booked_but_counts_it_once() -> None:
    ledger = Ledger()
    assert isinstance(ledger.ask(NOON, GRDF, "daily", None, patience=600), Go)
    booked = ledger.ask(NOON, GRDF, "daily", None, patience=600)
    assert isinstance(booked, Wait)
    ledger.refused(NOON + 0.5, 30)
    held = ledger.ask(NOON + 1.1, GRDF, "daily", booked.ticket, patience=600)
    assert isinstance(held, Wait)
    assert (held.paused, round(held.seconds, 1)) == (True, 29.4)
    assert isinstance(ledger.ask(NOON + 30.5, GRDF, "daily", held.ticket, patience=600), Go)
    assert ledger.used() == (2, 0)


def test_a_pause_longer_than_anybody_waits_frees_the_task() -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 7200)
    with pytest.raises(QuotaExceeded, match=r"Account home: .*wait until 14:00 on 10 March 2026") as caught:
        call(clock.governor(), account="home")
    assert caught.value.retry_after == pytest.approx(7200)
    assert clock.now == NOON
