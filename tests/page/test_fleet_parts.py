"""What the fleet's page shows beside the accounts: columns, this morning's runs, and the quota of each client."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grdf.page.fleet.columns import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Column, Part, drawing
from grdf.page.fleet.fleet_page import charts
from grdf.page.fleet.morning import morning
from grdf.page.fleet.quota_today import usages
from grdf.page.html.catalogue import LANGUAGES, Texts
from grdf.timetable import GasDayTimetable, minute_of
from include.gas.days.gas_day import PARIS, paris_today
from include.gas.display.fleet import fleet
from tests.plugins.clockwork import Clockwork, call


@given(st.lists(st.lists(st.integers(0, 5000), min_size=1, max_size=4), max_size=60))
def test_columns_stay_in_their_room_and_are_as_high_as_their_numbers(counts: list[list[int]]) -> None:
    columns = [Column(str(at), "", tuple(Part("x", n) for n in parts)) for at, parts in enumerate(counts)]
    drawn = drawing(columns, 7)
    assert len(drawn.boxes) == sum(n > 0 for parts in counts for n in parts), "nothing is drawn of nothing"
    top = drawn.ticks[-1][0]
    zero, ground = drawn.ticks[0]
    assert (zero, ground) == (0, pytest.approx(HEIGHT - BOTTOM))
    assert top >= max((sum(parts) for parts in counts), default=0)
    assert len(drawn.ticks) <= 6
    scale = (HEIGHT - BOTTOM - TOP) / top
    heights = [n * scale for parts in counts for n in parts if n]
    assert [box.height for box in drawn.boxes] == pytest.approx(heights, abs=0.01)
    assert all(box.y >= TOP - 0.02 and box.y + box.height <= HEIGHT - BOTTOM + 0.02 for box in drawn.boxes)
    assert all(box.x >= LEFT and box.x + box.width <= WIDTH - RIGHT for box in drawn.boxes)
    assert not columns or drawn.labels[-1][0] == columns[-1].label


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_class_of_ages_has_its_name(language: str) -> None:
    found = fleet([], paris_today(datetime.now(UTC)))
    assert len(charts(found, Texts(language)).names) == len(found.ages) == 11


def test_this_morning_is_told_by_the_accounts_own_minutes() -> None:
    accounts = [f"home-{number}" for number in range(50)]
    minutes = sorted(8 * 60 + minute_of(account, 240) for account in accounts)
    at = minutes[20]
    found = morning(accounts, datetime(2026, 3, 10, at // 60, at % 60, tzinfo=PARIS))
    assert (found.due, found.to_come) == (sum(m <= at for m in minutes), sum(m > at for m in minutes))
    assert found.last == datetime(2026, 3, 10, minutes[-1] // 60, minutes[-1] % 60, tzinfo=PARIS)
    assert found.since == datetime(2026, 3, 10, tzinfo=PARIS)
    assert morning([], datetime(2026, 3, 10, 9, tzinfo=PARIS)).last is None


@pytest.mark.parametrize(("hour", "spread"), [(8, 240), (0, 60), (23, 240)])
def test_the_minutes_are_those_of_the_timetable(monkeypatch: pytest.MonkeyPatch, hour: int, spread: int) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__FIRST_HOUR", str(hour))
    monkeypatch.setenv("AIRFLOW__GRDF__SPREAD_MINUTES", str(spread))
    made = GasDayTimetable.for_account("home", publication_days=1, first_hour=hour, spread_minutes=spread)
    last = morning(["home"], datetime(2026, 3, 10, 9, tzinfo=PARIS)).last
    assert last is not None
    assert made.summary.endswith(f"at {last:%H:%M}")


def test_the_quota_tells_what_counts_and_books_nothing() -> None:
    clock = Clockwork()
    governor = clock.governor()
    for purpose in ("daily", "daily", "history"):
        call(governor, purpose)  # type: ignore[arg-type]
    for _ in range(3):
        used = governor.usage()
        assert (used.calls, used.history, used.left, used.pause) == (3, 1, 5997, 0.0)
    governor.after_call(429, 30.0)
    assert governor.usage().pause == pytest.approx(30, abs=1)


def test_what_cannot_be_read_is_said_and_never_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", '{"conn_type": "http", "login": "id", "password": "word"}')
    monkeypatch.setenv("AIRFLOW__GRDF__QUOTA_URL", "postgresql://grdf@127.0.0.1:9/airflow")
    (found,) = usages()
    assert found.read_at == "", "the page then says that nothing is known"
    assert found.connection == "grdf_adict"
    assert "the database of [grdf] quota_url does not answer" in found.problem
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", "grdf_adict, grdf_adict")
    (found,) = usages()
    assert found.read_at == ""
    assert "one connection twice" in found.problem
