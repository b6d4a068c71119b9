"""When a meter falls silent: from which day its age counts, and when none is expected of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.account import Account
from include.gas.account.sections.status import Status
from include.gas.days.lateness import period_late_after, silent_after
from include.gas.days.windows import Window
from include.gas.display.meter_days import MeterDays, days_of_meters
from include.gas.rights.meter_rights import Held
from tests.readings import with_billing, with_reading

TODAY = date(2026, 6, 10)
PCE, OTHER = "02201000000004", "02201000000005"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def covered(*spans: tuple[int, int]) -> Held:
    return Held(pce=PCE, word="active", days=tuple(Window(ago(first), ago(end)) for first, end in spans))


@pytest.mark.parametrize(
    ("meter", "start"),
    [
        (MeterDays(stored=(ago(400), ago(9))), 9),
        (MeterDays(stored=(ago(9),), came=(ago(20),)), 9),
        (MeterDays(stored=(ago(90),), came=(ago(3),)), 3),
        (MeterDays(came=(ago(20),)), 20),
        (MeterDays(), None),
        # Its right begins later, or began after it came; between two rights nothing is due.
        (MeterDays(came=(ago(20),), held=covered((-40, -400))), None),
        (MeterDays(came=(ago(20),), held=covered((3, -400))), 3),
        (MeterDays(stored=(ago(101),), held=covered((500, 100), (-40, -400))), None),
        (MeterDays(stored=(ago(101),), held=covered((500, 100), (9, -400))), 9),
        (MeterDays(stored=(ago(30),), is_read=False), None),
        # Of one without daily data, billing periods are expected once it has any.
        (MeterDays(frequency="6M", stored=(ago(29),)), None),
        (MeterDays(frequency="6M", came=(ago(300),)), None),
        (MeterDays(frequency="6M", stored=(ago(29),), billed=(ago(241),)), 241),
    ],
    ids=repr,
)
def test_the_day_on_which_it_fell_silent(meter: MeterDays, start: int | None) -> None:
    """It is the first one on which its age, counted from a day so many days ago, is above the limit."""
    limit = silent_after(meter.frequency) or period_late_after(meter.frequency)
    due = None if start is None else ago(start - limit - 1)
    assert meter.silent_on(TODAY) == (due if due and due <= TODAY else None)


@pytest.mark.parametrize(("frequency", "limit"), [("", 5), ("1M", 5), ("MM", 55), ("6M", 240), ("JJ", 40)])
def test_it_is_silent_by_how_often_grdf_reads_it(frequency: str, limit: int) -> None:
    kind = "stored" if limit in (5, 55) else "billed"
    for age, fell in ((limit, None), (limit + 1, TODAY), (limit + 3, ago(2))):
        assert MeterDays(frequency=frequency, **{kind: (ago(age),)}).silent_on(TODAY) == fell  # type: ignore[arg-type]


def read(**more: Any) -> tuple[MeterDays, ...]:
    document = {"_id": "home", "account_type": "grdfgrandlyon", "oauth": {"code": "c"}, **more}
    return days_of_meters(document, Account.from_document(document))


def test_what_a_document_says_of_each_meter() -> None:
    """When its right was brought; when that was entered; when the household connected."""
    moment = "2026-01-0{}T23:30:00Z"
    (meter, other) = read(
        oauth={},
        oauth_callback_results={"consents": [{"pce": PCE}, {"pce": OTHER}]},
        **with_billing(
            with_reading(
                Status.with_held(
                    {}, [Held(pce=PCE, word="active", since=moment.format(1)), Held(pce=OTHER, word="over")]
                ),
                PCE,
                {"2026": {"days": 1, "first": "2026-03-02", "last": "2026-03-02"}},
            ),
            OTHER,
            "6M",
            until="2026-04-01",
        ),
        declaration={"pce": OTHER, "entered_at": moment.format(3)},
        connected={"at": moment.format(4), "by": "x"},
    )  # fmt: skip
    assert (set(meter.came), meter.stored, meter.daily, meter.is_read) == (
        {date(2026, 1, 5), date(2026, 1, 2)},
        (date(2026, 3, 2),),
        True,
        True,
    )
    assert not other.is_read
    assert (set(other.came), other.daily) == ({date(2026, 1, 5), date(2026, 1, 4)}, False)
    assert other.billed == (date(2026, 3, 31),)


def test_what_it_gave_since_it_came_counts_from_its_newest_day() -> None:
    """A meter that has given nothing for long, also to those who had it before, is silent on the first day."""
    status = Status.with_held({}, [Held(pce=PCE, word="active", since="2026-06-08T08:00:00Z")])
    years = {"2026": {"days": 1, "first": "2026-03-02", "last": "2026-03-02"}}
    for whole_at, came in (("2026-06-08", ()), ("2026-06-07", (date(2026, 6, 8),))):
        document = with_reading(status, PCE, years, whole_at=whole_at)
        (meter,) = read(oauth={}, oauth_callback_results={"consents": [{"pce": PCE}]}, **document)
        assert meter.came == came


def test_an_account_without_meters_has_one_that_is_not_forgotten() -> None:
    assert read() == (MeterDays(),)
    assert read(declaration={"name": "x", "entered_at": "2026-01-01T08:00:00Z"})[0].came == (date(2026, 1, 1),)
