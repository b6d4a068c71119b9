"""The quota's governor: its arithmetic, on a clock of its own."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grdf.governor import Governor
from include.gas.days import PARIS
from include.gas.errors import QuotaExceeded, QuotaWait
from include.gas.quota import (
    DAY,
    FIRST_PAUSE,
    FORGIVEN,
    LONGEST_PAUSE,
    MARGIN,
    OVERTAKEN,
    Go,
    Ledger,
    Purpose,
    Quota,
    Ticket,
    Wait,
    time_needed,
)
from tests.plugins.clockwork import GRDF, NOON, Clockwork


def instants(clock: Clockwork, governor: Governor, calls: int, purpose: Purpose = "daily") -> list[float]:
    made = []
    for _ in range(calls):
        governor.before_call(account="home", purpose=purpose)
        made.append(clock.now)
    return made


# ---- the pace --------------------------------------------------------------------------------------------------------


def test_the_first_call_goes_at_once_and_the_others_keep_their_distance() -> None:
    clock = Clockwork()
    made = instants(clock, clock.governor(), 10)
    assert made[0] == NOON
    assert [round(after - before, 6) for before, after in pairwise(made)] == [1 + MARGIN] * 9


def test_one_client_is_one_client_whatever_connection_names_it() -> None:
    clock = Clockwork()
    for client in ("one", "one", "other"):
        clock.governor(client_id=client).before_call()
    assert clock.now == pytest.approx(NOON + 1 + MARGIN)


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
    """Others whose call comes at the very instant that is free, and one that is always a moment later."""
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
        clock.governor().before_call(account="home")
    assert clock.now == NOON
    assert caught.value.retry_after == pytest.approx(700)


def test_waiting_is_said_once_a_minute_in_words(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 190)
    with caplog.at_level("INFO", logger="grdf.governor"):
        clock.governor().before_call(account="home")
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


# ---- the day ---------------------------------------------------------------------------------------------------------

SMALL = Quota(1000.0, 10, 4)


def test_a_spent_day_is_told_in_words() -> None:
    clock = Clockwork(NOON + 7)
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    assert governor.left() == 0
    with pytest.raises(QuotaExceeded) as caught:
        governor.before_call(account="home")
    assert str(caught.value) == (
        "Account home: GRDF was not called, since all 10 calls that GRDF allows in 24 hours are made. "
        "Nothing to do: it goes on by itself from 12:05 on 11 March 2026 (Paris time)."
    )
    assert caught.value.state is None, "nothing for the household to do"
    assert caught.value.retry_after is not None
    clock.now += caught.value.retry_after - 1
    with pytest.raises(QuotaExceeded):
        governor.before_call()
    clock.now += 2
    governor.before_call()


def test_history_leaves_the_reserve_alone() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 6, "history")
    assert (governor.left("history"), governor.left("daily")) == (0, 4)
    with pytest.raises(QuotaExceeded, match=r"the other 4 are kept for daily runs \(\[grdf\] daily_reserve\)"):
        governor.before_call(purpose="history")
    instants(clock, governor, 4)
    with pytest.raises(QuotaExceeded, match="all 10 calls"):
        governor.before_call(purpose="history")


def test_those_who_wait_for_the_next_day_do_not_all_come_at_once() -> None:
    """Each is told a time at which a call is free for it: nobody comes in vain, and no five minutes hold them all."""
    clock = Clockwork()
    quota = Quota(1000.0, 40, 20)
    governor = clock.governor(quota)
    for _ in range(40):
        instants(clock, governor, 1)
        clock.now += 600
    told = []
    for _ in range(40):
        with pytest.raises(QuotaWait) as caught:
            governor.before_call()
        told.append(round(clock.now + (caught.value.retry_after or 0)))
    assert told == sorted(told)
    assert len(set(told)) == 40, "as the calls were made ten minutes apart, so they come back"
    with pytest.raises(QuotaWait):
        governor.before_call()  # more wait than can be served: it is told the last time, and asks anew then
    for at in told:
        clock.now = max(clock.now, at + 1.0)
        governor.before_call()


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
            governor.before_call(purpose=purpose)  # type: ignore[arg-type]  # the two words are the type's own
        times.append(caught.value.retry_after or 0)
    assert times[0] < times[1] < times[2], "the third call that leaves is the first that nobody was promised"


def test_a_household_s_code_does_not_wait_for_the_next_day() -> None:
    clock = Clockwork()
    governor = clock.governor(SMALL)
    instants(clock, governor, 10)
    governor.before_call(purpose="connect")
    assert governor.left() == 0
    with pytest.raises(QuotaWait):
        governor.before_call()


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
            governor.before_call()
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
        governor.before_call()


def test_a_full_day_is_a_small_text() -> None:
    quota = Quota(1.0, 100_000)
    ledger = Ledger()
    for at in range(0, int(DAY), 60):
        ledger.ask(NOON + at, quota, "daily", None, patience=600)
    assert len(ledger.text()) < 6000


# ---- the pause -------------------------------------------------------------------------------------------------------


def test_a_429_makes_everybody_wait_as_long_as_grdf_says() -> None:
    clock = Clockwork()
    clock.governor().after_call(429, 41)
    clock.governor().before_call()
    assert clock.now == pytest.approx(NOON + 41)


def test_an_answer_that_is_no_429_pauses_nobody() -> None:
    clock = Clockwork()
    for status in (200, 401, 503):
        clock.governor().after_call(status, 41)
    clock.governor().before_call()
    assert clock.now == NOON


def test_without_a_time_the_pause_doubles_while_429s_go_on() -> None:
    clock, pauses = Clockwork(), []
    for _ in range(10):
        before = clock.now
        clock.governor().after_call(429, None)
        clock.governor().after_call(429, None)  # was under way at the same time
        clock.governor().before_call()
        pauses.append(round(clock.now - before))
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(10)]
    clock.now += 3600
    assert Ledger.read(next(iter(clock.texts.values()))).refused(clock.now, None) == FIRST_PAUSE


def test_a_stray_429_among_calls_that_grdf_takes_pauses_for_the_shortest() -> None:
    clock = Clockwork()
    for _ in range(3):
        clock.governor().after_call(429, None)
        for _ in range(FORGIVEN):
            clock.governor().before_call()
        before = clock.now
    clock.governor().after_call(429, None)
    clock.governor().before_call()
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
        clock.governor().before_call(account="home")
    assert caught.value.retry_after == pytest.approx(7200)
    assert clock.now == NOON
