"""A load writes to the account what is stored of the years that it has looked at, and of no others."""

from __future__ import annotations

from datetime import date

from grdf.meters.saving import with_stored
from include.gas.account.status import Reading, Status
from include.gas.documents.changes import LoadReport
from include.gas.documents.year_counts import StoredYear

PCE, DAY = "09999999900017", date(2024, 1, 1)
YEARS = {year: StoredYear(DAY.replace(year=year), DAY.replace(year=year)) for year in (2022, 2023, 2024)}
READ = Reading({str(year): each for year, each in YEARS.items()}, DAY, DAY, ("u-1",))


def test_years_that_were_not_looked_at_stay_and_years_without_a_day_go() -> None:
    document = Status.with_reading({}, PCE, READ)
    document = with_stored(document, PCE, LoadReport(looked_at=(2023, 2024), held={2024: YEARS[2024]}))
    assert Status.reading(document, PCE).by_year() == {2022: YEARS[2022], 2024: YEARS[2024]}
    assert Status.reading(document, PCE).whole_at == DAY, "when all was read stays"


def test_a_key_that_is_no_year_stops_no_load() -> None:
    document = Status.with_reading({}, PCE, Reading({"soon": YEARS[2022], "2023": YEARS[2023]}))
    document = with_stored(document, PCE, LoadReport(looked_at=(2024,), held={2024: YEARS[2024]}))
    assert Status.reading(document, PCE).by_year() == {2023: YEARS[2023], 2024: YEARS[2024]}
