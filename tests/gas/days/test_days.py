"""Gas days, 06:00 to 06:00 in Paris; when they are late; windows of days that are asked for; DAG files of accounts."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.asked_days import SOONEST, SPREAD, daily_window, is_full_read_due
from include.gas.days.gas_day import PARIS, gas_day_of, gas_day_start, paris_today, parse_day, utc_text
from include.gas.days.lateness import due_until, period_late_after, silent_after
from include.gas.days.past_range import askable_part, parse_range
from include.gas.days.spread import DAG_FILES, dag_file_of
from include.gas.days.windows import ONE_DAY, Window, first_kept_day, oldest_allowed
from include.gas.documents.day_documents import day_document, unsettled_part
from include.gas.errors import BadRequest

FROM, TO = datetime.fromisoformat("1990-01-02"), datetime.fromisoformat("2090-12-30")
ZONES = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
INSTANTS = st.datetimes(FROM, TO, timezones=ZONES)
TODAY, RUN = date(2024, 4, 2), date(2024, 4, 1)
DAYS, LATELY = st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2019, 1, 1), date(2026, 1, 1))


def hours_in(day: date) -> float:
    start, end = (gas_day_start(each).astimezone(UTC) for each in (day, day + ONE_DAY))
    return (end - start).total_seconds() / 3600


@pytest.mark.parametrize(
    ("day", "hours", "start", "end"),
    [
        (date(2024, 3, 29), 24, "2024-03-29T06:00:00+01:00", "2024-03-30T06:00:00+01:00"),
        (date(2024, 3, 30), 23, "2024-03-30T06:00:00+01:00", "2024-03-31T06:00:00+02:00"),
        (date(2024, 3, 31), 24, "2024-03-31T06:00:00+02:00", "2024-04-01T06:00:00+02:00"),
        (date(2024, 10, 26), 25, "2024-10-26T06:00:00+02:00", "2024-10-27T06:00:00+01:00"),
        (date(2024, 2, 29), 24, "2024-02-29T06:00:00+01:00", "2024-03-01T06:00:00+01:00"),
    ],
)
def test_bounds_of_gas_days(day: date, hours: int, start: str, end: str) -> None:
    bounds = [gas_day_start(each).isoformat() for each in (day, day + ONE_DAY)]
    assert (hours_in(day), bounds) == (hours, [start, end])


@given(INSTANTS, INSTANTS)
def test_an_instant_lies_in_its_gas_day_and_sorts_as_text(one: datetime, other: datetime) -> None:
    day = gas_day_of(one)
    start, end = gas_day_start(day), gas_day_start(day + ONE_DAY)
    assert start <= one < end
    assert (gas_day_of(start), gas_day_of(end), parse_day(day.isoformat())) == (day, day + ONE_DAY, day)
    assert gas_day_of(end.astimezone(UTC) - timedelta(microseconds=1)) == day
    assert (utc_text(one) < utc_text(other)) == (one < other)
    assert utc_text(utc_text(one)) == utc_text(one.astimezone(PARIS)) == utc_text(one)
    assert utc_text(one).endswith("Z")


def test_today_is_that_of_paris_and_instants_need_a_zone() -> None:
    for at, today in (("03-28T23:30", "03-29"), ("07-01T21:59", "07-01"), ("07-01T22:00", "07-02")):
        assert str(paris_today(datetime.fromisoformat(f"2024-{at}+00:00"))) == f"2024-{today}"
    for function in (gas_day_of, paris_today, utc_text):
        with pytest.raises(ValueError, match="time zone"):
            function(FROM)


def test_instants_are_in_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        text = utc_text("2024-06-01T12:00:00+02:00")
    time.tzset()
    assert text == "2024-06-01T10:00:00.000000Z"


@pytest.mark.parametrize(
    "text", ["", "2024-3-28", "20240328", "2024-02-30", "2024-W13-4", "28/03/2024", "２０２４-03-28", None]
)
def test_other_days_are_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="write it YYYY-MM-DD"):
        parse_day(text)


@pytest.mark.parametrize(
    ("frequency", "silent", "periods", "due"),
    [
        ("1M", 5, 80, {"2026-11-30": "2026-11-27"}), ("", 5, 80, {"2026-03-01": "2026-02-26"}), ("1J", 5, 80, {}),
        ("MM", 55, 80, {"2026-11-20": "2026-10-01", "2026-11-21": "2026-11-01", "2027-01-01": "2026-12-01",
                        "2027-01-31": "2027-01-01"}),
        ("6M", None, 240, {}), ("JJ", None, 40, {}),
    ],
)  # fmt: skip
def test_when_days_and_periods_are_due_and_late(
    frequency: str, silent: int | None, periods: int, due: dict[str, str]
) -> None:
    assert (silent_after(frequency), period_late_after(frequency)) == (silent, periods)
    assert {day: str(due_until(frequency, date.fromisoformat(day))) for day in due} == due
    for today in (date(2024, 1, 1) + timedelta(days=n) for n in range(1500)):
        assert (today - due_until("MM", today)).days <= 50, "what comes on the last day that is usual is never silent"


def test_each_dag_file_has_its_share_of_the_accounts_and_each_account_its_file_on_every_machine() -> None:
    """If an account moved, it would lose its DAG until Airflow has parsed the other file."""
    for name in ("household-{:04}", "{:032x}", "{}"):
        shares = Counter(dag_file_of(name.format(number)) for number in range(40_000))
        assert shares.keys() == set(range(DAG_FILES))
        assert all(0.8 < share * DAG_FILES / 40_000 < 1.2 for share in shares.values())
    files = {"real-household": 28, "two-meters": 20, "a": 4, "b": 19}
    assert {account: dag_file_of(account) for account in files} == files


@pytest.mark.parametrize(
    ("run", "reread", "whole", "found"),
    [
        (RUN, 5, False, Window(date(2024, 3, 27), TODAY)), (RUN, 0, False, Window(RUN, TODAY)),
        (RUN, 0, True, Window(date(2021, 4, 4), TODAY)), (RUN, 2000, False, Window(date(2021, 4, 4), TODAY)),
        (date(2023, 5, 1), 5, False, Window(date(2023, 4, 26), date(2023, 5, 2))),
        (date(2024, 4, 5), 5, False, Window(date(2024, 3, 31), TODAY)), (date(2024, 4, 20), 5, False, None),
        (date(2020, 1, 1), 5, False, None), (date(2020, 1, 1), 0, True, Window(date(2021, 4, 4), TODAY)),
    ],
)  # fmt: skip
def test_a_run_asks_for_its_day_and_some_before_it_or_for_everything(
    run: date, reread: int, whole: bool, found: Window | None
) -> None:
    assert daily_window(run, TODAY, timedelta(days=reread), whole=whole) == found


@given(DAYS, st.integers(0, 400), DAYS, st.booleans())
def test_never_beyond_any_bound(run: date, reread: int, today: date, whole: bool) -> None:
    window = daily_window(run, today, timedelta(days=reread), whole=whole)
    assert window is None or oldest_allowed(today) <= window.first < window.end <= (
        today if whole else min(today, run + ONE_DAY)
    )
    assert timedelta(days=3 * 365 - 3) <= today - oldest_allowed(today) <= timedelta(days=3 * 365 - 1)
    assert first_kept_day(today, 5) < first_kept_day(today) <= oldest_allowed(today), "no run asks for a closed year"
    assert oldest_allowed(date(2024, 2, 29)) == date(2021, 3, 3), "leap days"
    assert oldest_allowed(date(2027, 3, 1)) == date(2024, 3, 3)


@given(st.text(max_size=20))
def test_everything_is_asked_for_at_first_and_then_once_in_three_to_four_weeks(account: str) -> None:
    assert is_full_read_due(account, None, TODAY)
    due = [days for days in range(60) if is_full_read_due(account, TODAY - timedelta(days=days), TODAY)]
    assert SOONEST <= due[0] < SOONEST + SPREAD
    assert due == list(range(due[0], 60)), "a run that failed on that day is made up for"


def test_accounts_that_came_on_one_day_ask_for_everything_on_different_mornings() -> None:
    mornings = [TODAY - timedelta(days=days) for days in range(SOONEST, SOONEST + SPREAD)]
    due = [sum(is_full_read_due(f"account-{number}", day, TODAY) for number in range(400)) for day in mornings]
    assert due[-1] == 400
    assert all(20 < now - before < 80 for before, now in itertools.pairwise([0, *due]))


@given(LATELY, st.integers(1, 1200), st.none() | LATELY, st.none() | LATELY)
def test_windows_are_their_days_and_what_may_not_be_asked_is_left_out_with_a_reason(
    first: date, length: int, low: date | None, high: date | None
) -> None:
    window = Window(first, first + timedelta(days=length))
    days = list(window.days())
    assert len(window) == len(days) == length
    assert (days[0], days[-1], window.end in window) == (window.first, window.last, False)
    assert all(day in window for day in days)
    kept = [day for day in days if (low is None or day >= low) and (high is None or day < high)]
    clipped = window.clip(low, high)
    assert ([] if clipped is None else list(clipped.days())) == kept
    asked, reasons = askable_part(window, today=TODAY, right_first=low, right_end=high)
    allowed = [day for day in kept if oldest_allowed(TODAY) <= day < TODAY]
    assert (list(asked.days()) if asked else []) == allowed
    assert bool(reasons) or allowed == days


def test_no_empty_window() -> None:
    with pytest.raises(ValueError, match="must start before it ends"):
        Window(RUN, RUN)
    assert (Window.between(RUN, RUN), str(Window(RUN, TODAY + ONE_DAY))) == (None, "2024-04-01 to 2024-04-02")


@pytest.mark.parametrize(
    ("first", "end", "said"),
    [
        ("2026-02-30", "2026-03-01", "`from` is '2026-02-30'"), ("2026-01-01", "soon", "`to` is 'soon'"),
        ("2026-01-02", "2026-01-01", "holds no day"), ("2026-01-01", "2026-01-01", "holds no day"),
        (None, "2026-01-01", "`from` is 'None'"),
    ],
)  # fmt: skip
def test_a_wrong_range_is_refused_in_words(first: Any, end: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=f"{said}.*Start it again"):
        parse_range(first, end)


@pytest.mark.parametrize(
    ("first", "end", "reason"),
    [
        ("2020-01-01", "2024-01-01", "GRDF keeps 3 years"), ("2024-03-01", "2025-01-01", "not over yet"),
        ("2022-01-01", "2024-01-01", "consent starts with 2023-03-01"),
        ("2023-04-01", "2024-04-01", "consent ends before 2024-02-01"), ("2023-04-01", "2024-01-01", None),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said(first: str, end: str, reason: str | None) -> None:
    consent = {"right_first": date(2023, 3, 1), "right_end": date(2024, 2, 1)}
    _, reasons = askable_part(parse_range(first, end), today=TODAY, **consent)
    assert any(reason in each for each in reasons) if reason else not reasons, reasons


def test_what_ends_today_is_whole_and_reported_once() -> None:
    past, more = (Window(date(2024, 1, 1), end) for end in (TODAY, TODAY + ONE_DAY))
    assert askable_part(past, today=TODAY, right_first=None, right_end=None) == (past, [])
    window, reasons = askable_part(more, today=TODAY, right_first=None, right_end=TODAY)
    assert (window, len(reasons)) == (past, 1)


@given(st.lists(st.sampled_from(["absent", "provisional", "definitive"]), min_size=1, max_size=60))
def test_only_definitive_days_at_the_edges_are_not_asked(states: list[Any]) -> None:
    window = Window(RUN, RUN + timedelta(days=len(states)))
    days = dict(zip(window.days(), states, strict=True))
    readings = [Reading(day, 1, state) for day, state in days.items() if state != "absent"]
    stored = [day_document("a", each, "09999999900017", "2026-06-01T00:00:00+00:00") for each in readings]
    found, wanted = unsettled_part(window, stored), [day for day, state in days.items() if state != "definitive"]
    assert (found.first, found.last) == (wanted[0], wanted[-1]) if found else not wanted
