"""Promise 5: gas days of 23 and 25 hours, leap days, the turn of a year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.promises.adapter import DAYS, METERS, YEARS, Town

PCE = METERS[0]


@pytest.mark.parametrize(
    ("start", "middle"),
    [
        (date(2026, 3, 26), date(2026, 3, 28)), (date(2026, 10, 22), date(2026, 10, 24)),
        (date(2028, 2, 26), date(2028, 2, 29)), (date(2026, 12, 28), date(2026, 12, 31)),
    ],
    ids=["23-hours", "25-hours", "leap-day", "new-year"],
)  # fmt: skip
def test_every_day_is_read_once_it_is_over(new_town: Callable[..., Town], start: date, middle: date) -> None:
    town = new_town(start)
    town.odd(PCE, lines={"missing": [middle]})
    town.connect("alder", PCE, back=20)
    first = town.ago(20)
    town.mornings(8)
    assert town.wrong("alder", PCE, first) == []
    assert {middle - timedelta(days=1), middle + timedelta(days=1)} <= town.days("alder", PCE).keys()
    assert all(each["day"] == int(key[-2:]) for key, each in town.documents(DAYS).items())
    town.odd(PCE, lines={"missing": []})
    since = len(town.asked)
    town.backfill("alder", middle, middle + timedelta(days=1))
    assert [each.days() for each in town.calls("informatives", since=since)] == [(middle, middle + timedelta(days=1))]
    assert town.wrong("alder", PCE, first) == []


def test_years_have_their_own_days(new_town: Callable[..., Town]) -> None:
    town = new_town(date(2029, 1, 3))
    town.connect("alder", PCE, back=380)
    years = {key[-4:]: each["days"] for key, each in town.documents(YEARS).items()}
    assert years["2028"] == 366, "a leap year"
    assert town.wrong_totals() == []


def test_at_no_hour_is_a_day_asked_for_that_paris_has_not_ended(new_town: Callable[..., Town]) -> None:
    for start in (date(2026, 3, 28), date(2026, 10, 24), date(2026, 7, 14)):
        town = new_town(start)
        town.connect("alder", PCE, back=10)
        for _ in range(16):
            town.pass_(hours=3, minutes=7)
            today, since = town.today, len(town.asked)
            assert town.run("alder").state == "success"
            asked = town.calls("informatives", since=since)
            assert all(each.days()[1] <= today and each.status == 200 for each in asked)
        assert town.wrong("alder", PCE, start - timedelta(days=10)) == []
