"""When a meter falls silent, from which day its age counts, and which of its days are missing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from include.gas.account.account import Account
from include.gas.account.status import Billing, Status
from include.gas.days.lateness import period_late_after, silent_after
from include.gas.days.windows import Window
from include.gas.display.meter_days import MeterDays, Missing, days_of_meters
from include.gas.documents.year_counts import StoredYear
from include.gas.rights.meter_rights import MeterAccess
from tests.readings import with_billing, with_reading

TODAY = date(2026, 6, 10)
PCE, OTHER = "02201000000004", "02201000000005"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def covered(*spans: tuple[int, int]) -> MeterAccess:
    return MeterAccess(pce=PCE, word="active", days=tuple(Window(ago(first), ago(end)) for first, end in spans))


def meter(stored: int | None = None, frequency: str = "", billed: int | None = None, **more: Any) -> MeterDays:
    years = () if stored is None else (StoredYear(ago(stored), ago(stored)),)
    said = {"billing": Billing(frequency=frequency), "billed": None if billed is None else ago(billed)}
    return MeterDays(**{"access": MeterAccess(pce=PCE), "years": years, **said, **more})


@pytest.mark.parametrize(
    ("meter", "start"),
    [
        (meter(9), 9), (meter(9, came=(ago(20),)), 9), (meter(90, came=(ago(3),)), 3),
        (meter(came=(ago(20),)), 20), (meter(), None), (meter(30, is_read=False), None),
        # Its right begins later, or began after it came; between two rights nothing is due.
        (meter(came=(ago(20),), access=covered((-40, -400))), None),
        (meter(came=(ago(20),), access=covered((3, -400))), 3),
        (meter(101, access=covered((500, 100), (-40, -400))), None),
        (meter(101, access=covered((500, 100), (9, -400))), 9),
        # Of one without daily data, billing periods are expected once it has any.
        (meter(29, "6M"), None), (meter(None, "6M", came=(ago(300),)), None), (meter(29, "6M", 241), 241),
    ],
)  # fmt: skip
def test_the_day_on_which_it_fell_silent(meter: MeterDays, start: int | None) -> None:
    limit = silent_after(meter.billing.frequency) or period_late_after(meter.billing.frequency)
    due = None if start is None else ago(start - limit - 1)
    assert meter.silent_on(TODAY) == (due if due and due <= TODAY else None)


def read(**more: Any) -> tuple[MeterDays, ...]:
    document = {"_id": "home", "account_type": "grdfgrandlyon", "oauth": {"code": "c"}, **more}
    return days_of_meters(document, Account.from_document(document))


def test_what_a_document_holds_of_each_meter() -> None:
    moment = "2026-01-0{}T23:30:00Z"
    access = [MeterAccess(pce=PCE, word="active", since=moment.format(1)), MeterAccess(pce=OTHER, word="over")]
    known = with_reading(Status.with_access({}, access), PCE, {"2026": {"first": "2026-03-02", "last": "2026-03-02"}})
    meter, other = read(
        oauth={}, oauth_callback_results={"consents": [{"pce": PCE}, {"pce": OTHER}]},
        declaration={"pce": OTHER, "entered_at": moment.format(3)}, connected={"at": moment.format(4), "by": "x"},
        **with_billing(known, OTHER, "6M", until="2026-04-01"),
    )  # fmt: skip
    assert (set(meter.came), meter.last) == ({date(2026, 1, 5), date(2026, 1, 2)}, date(2026, 3, 2))
    assert (meter.daily, meter.is_read, other.daily, other.is_read) == (True, True, False, False)
    assert (set(other.came), other.billed) == ({date(2026, 1, 5), date(2026, 1, 4)}, date(2026, 3, 31))
    assert read() == (MeterDays(),), "an account without meters has one that is not forgotten"
    assert read(declaration={"name": "x", "entered_at": "2026-01-01T08:00:00Z"})[0].came == (date(2026, 1, 1),)


def test_what_it_gave_since_it_came_counts_from_its_newest_day() -> None:
    status = Status.with_access({}, [MeterAccess(pce=PCE, word="active", since="2026-06-08T08:00:00Z")])
    years = {"2026": {"first": "2026-03-02", "last": "2026-03-02"}}
    for whole_at, came in (("2026-06-08", ()), ("2026-06-07", (date(2026, 6, 8),))):
        document = with_reading(status, PCE, years, whole_at=whole_at)
        (meter,) = read(oauth={}, oauth_callback_results={"consents": [{"pce": PCE}]}, **document)
        assert meter.came == came


def gaps(years: dict[str, Any], *covered: Window, asked_from: str | None = "2023-01-01", **more: bool) -> Any:
    access = MeterAccess(
        pce=PCE, word="active", is_open="leaving" in more, days=covered or (Window(date.min, date.max),)
    )
    reading = Status.reading_of(with_reading({}, PCE, years, since=asked_from), PCE)
    meter = MeterDays(access, (*reading.by_year().values(),), reading.since, **more)
    return meter.count_missing(date(2026, 5, 20))


def year(first: str, last: str, *absent: tuple[str, str]) -> dict[str, Any]:
    holes = [{"first": f"{first[:5]}{one}", "end": f"{first[:5]}{other}"} for one, other in absent]
    return {"first": first, "last": last, "absent": holes}


def test_missing_days_are_the_calendar_minus_the_store() -> None:
    """The days up to 16 May should be there; up to 18 March, they are older than two months."""
    whole = {"2026": year("2026-01-01", "2026-05-17")}
    assert gaps(whole, asked_from=None) == (0, 0)
    assert gaps(whole, asked_from="2025-12-30") == Missing(lately=0, before=2)
    holes = {"2026": year("2026-01-01", "2026-05-12", ("02-01", "02-08"), ("05-01", "05-06"))}
    assert gaps(holes, asked_from=None) == Missing(lately=5 + 4, before=7)
    assert gaps({}, asked_from="2026-03-01") == Missing(lately=16 + 30 + 13, before=18)
    years = {"2026": year("2026-05-03", "2026-05-12", ("05-07", "05-09"))}
    may = [date(2026, 5, day) for day in range(1, 14)]
    eighth = Window(date.min, may[7]), Window(may[8], date.max)
    assert gaps(years, *eighth, asked_from=None) == (1 + 4, 0), "only days that a right covers"
    assert gaps(years, Window(date.min, may[12]), asked_from=None) == (2, 0)
    assert gaps(years, asked_from=None, is_read=False) == (2, 0), "and only while the meter is read"
    assert gaps(years, asked_from=None, is_read=False, leaving=True) == (2, 0), "not since its household has withdrawn"
    assert gaps(years, Window(may[0], date.max), asked_from="2020-01-01") == (2 + 2 + 4, 0)
    own = {"2025": year("2025-01-01", "2025-12-31", ("06-01", "06-10")), **whole}
    other = {"2022": year("2022-01-01", "2022-12-31")}
    assert gaps(other | own, Window(date(2025, 1, 1), date.max), asked_from="2025-01-01") == (0, 9), (
        "Cozy's hide no hole"
    )


def test_the_last_days_of_a_right_are_missing_while_grdf_may_be_asked_for_them() -> None:
    access = MeterAccess(pce=PCE, word="over", days=(Window(ago(20), ago(8)),), is_open=True)
    stored = (StoredYear(ago(20), ago(11)),)
    assert MeterDays(access, stored, is_read=False).count_missing(TODAY) == (2, 0)
    assert MeterDays(replace(access, is_open=False), stored, is_read=False).count_missing(TODAY) == (0, 0)
    end = MeterDays(MeterAccess(pce=PCE, word="over"), (StoredYear(date(9999, 12, 20), date.max),))
    assert end.count_missing(TODAY) == (0, 0), "at the end of the calendar"
