"""The newest days of a meter are told from its account's document alone, and nothing is guessed."""

from __future__ import annotations

from datetime import date
from typing import Any

from include.gas.account.sections.status import Status
from include.gas.days.windows import Window
from include.gas.display.recent_days import Missing, recent_days
from include.gas.rights.meter_rights import Held
from tests.readings import with_reading

PCE = "09955500000017"


def told(years: dict[str, Any], *covered: Window, asked_from: str | None = "2023-01-01", is_read: bool = True) -> Any:
    held = Held(pce=PCE, word="active", days=covered or (Window(date.min, date.max),))
    document = with_reading({}, PCE, years, since=asked_from)
    return recent_days(held, Status.reading(document, PCE), "", is_read=is_read)


def until(day: int) -> Window:
    return Window(date.min, date(2026, 5, day))


def since(day: int) -> Window:
    return Window(date(2026, 5, day), date.max)


def year(first: str, last: str, **more: Any) -> dict[str, Any]:
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return {"days": days, "first": first, "last": last, **more}


def test_in_january_the_days_of_december_belong_to_it() -> None:
    found = told(
        {
            "2025": year("2025-01-01", "2025-12-29", corrected=1, recent="s" * 61 + "c"),
            "2026": year("2026-01-02", "2026-01-03"),
        }
    )
    assert (found.last, found.letters) == (date(2026, 1, 3), "s" * 56 + "c" + "---" + "ss")


def test_what_comes_after_the_newest_day_is_expected_up_to_the_consents_end_and_only_while_it_is_read() -> None:
    years = {"2026": year("2026-05-10", "2026-05-12")}
    assert told(years).end is None
    assert told(years, until(20)).end == date(2026, 5, 20)
    assert told(years, until(20), is_read=False).end == date(2026, 5, 13)


TODAY = date(2026, 5, 20)
"""The days up to the 16th should be there; up to March 18, they are older than two months."""
WHOLE: dict[str, Any] = {"2026": year("2026-01-01", "2026-05-17")}


def test_missing_days_are_the_calendar_minus_the_store() -> None:
    assert told(WHOLE, asked_from=None).missing(TODAY) == (0, 0)
    assert told(WHOLE, asked_from="2025-12-30").missing(TODAY) == Missing(lately=0, before=2)
    holes = {"2026": {**year("2026-01-01", "2026-05-12"), "days": 132 - 12, "recent": "s" * 50 + "-" * 5 + "s" * 7}}
    assert told(holes, asked_from=None).missing(TODAY) == Missing(lately=5 + 4, before=7)
    assert told({}, asked_from=None).missing(TODAY) == (0, 0), "it was not asked yet"
    assert told({}, asked_from="2026-03-01").missing(TODAY) == Missing(lately=16 + 30 + 13, before=18)


def test_only_days_that_a_right_covers_are_missing_and_only_while_the_meter_is_read() -> None:
    years: dict[str, Any] = {"2026": {**year("2026-05-03", "2026-05-12"), "days": 8, "recent": "ssss--ssss"}}
    assert told(years, until(8), since(9), asked_from=None).missing(TODAY) == (1 + 4, 0)
    assert told(years, until(13), asked_from=None).missing(TODAY) == (2, 0)
    assert told(years, asked_from=None, is_read=False).missing(TODAY) == (2, 0)
    assert told(years, since(1), asked_from="2020-01-01").missing(TODAY) == (2 + 2 + 4, 0)


def test_older_days_of_another_program_hide_no_hole() -> None:
    own = {**year("2025-01-01", "2025-12-31"), "days": 365 - 9, "recent": "s" * 62}
    covered = Window(date(2025, 1, 1), date.max)
    assert told({"2025": own}, covered, asked_from="2025-01-01").missing(date(2026, 1, 5)).before == 9
    years = {"2022": year("2022-01-01", "2022-12-31"), "2025": own}
    assert told(years, covered, asked_from="2025-01-01").missing(date(2026, 1, 5)).before == 9


def test_a_day_at_the_end_of_the_calendar_is_no_crash() -> None:
    last = {"9999": year("9999-12-20", "9999-12-31")}
    held = Held(pce=PCE, word="over")
    found = recent_days(held, Status.reading(with_reading({}, PCE, last, since=None), PCE), "", is_read=False)
    assert found.missing(TODAY) == (0, 0)
