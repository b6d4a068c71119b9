"""The pause after a 429, which applies to everybody, on a simulated clock."""

from __future__ import annotations

import pytest

from grdf.quota.ledger import FIRST_PAUSE, LONGEST_PAUSE, Ledger, Ticket, Wait
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
    for _ in range(13):
        before = clock.now
        clock.governor().after_call(429, None)
        clock.governor().after_call(429, None)  # was in progress at the same time
        clock.now += Ledger.read(next(iter(clock.texts.values())), before).pause.until - before
        call(clock.governor())
        pauses.append(round(clock.now - before))
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(13)]
    clock.now += 3 * LONGEST_PAUSE
    assert Ledger.read(next(iter(clock.texts.values())), clock.now).pause.begin(clock.now) == FIRST_PAUSE


def test_a_pause_moves_what_was_booked_and_counts_it_once() -> None:
    ledger = Ledger()

    def ask(now: float, ticket: Ticket) -> Wait:
        return ledger.ask(now, GRDF, ticket, patience=600)

    assert ask(NOON, Ticket()).seconds == 0
    booked = [Ticket() for _ in range(2)]
    for each in booked:
        ask(NOON, each)
    ledger.pause.begin(NOON + 0.5, 30)
    held = [ask(NOON + 1.1, each) for each in booked]
    assert [(each.reason, round(each.seconds, 2)) for each in held] == [("pause", 29.4), ("pause", 30.47)]
    assert ask(NOON + 30.5, booked[0]).seconds == 0
    assert ledger.used() == (3, 0)


def test_a_pause_longer_than_anybody_waits_frees_the_task() -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 7200)
    with pytest.raises(QuotaExceeded, match=r"Account home: .*wait until 14:00 on 10 March 2026") as caught:
        call(clock.governor(), account="home")
    assert caught.value.retry_after == pytest.approx(7200)
    assert clock.now == NOON


@pytest.mark.parametrize("whose", ["old secret", "new secret"])
def test_a_refused_token_and_a_429_pause_apart(whose: str) -> None:
    clock = Clockwork()
    clock.governor(credentials="old secret").refused()
    clock.now += 1
    clock.governor(credentials="new secret").after_call(429, None)
    call(clock.governor(credentials=whose))
    assert clock.passed == pytest.approx(1 + FIRST_PAUSE)
