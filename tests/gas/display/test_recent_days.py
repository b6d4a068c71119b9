"""The newest days of a meter are told from its account's document alone, and nothing is guessed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from include.gas.account.sections.status import Status
from include.gas.days.windows import Window
from include.gas.display.recent_days import Missing, recent_days
from include.gas.rights.meter_rights import Held
from tests.readings import with_reading

PCE = "09955500000017"
DAY = timedelta(days=1)


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


def test_a_whole_year_has_its_last_62_days() -> None:
    found = told({"2026": year("2026-01-01", "2026-05-17")})
    assert (found.first, found.letters, found.until) == (date(2026, 3, 17).toordinal(), "s" * 62, None)
    assert (found.since, sum(days for _, days in found.years)) == (date(2023, 1, 1), 137)


def test_in_january_the_days_of_december_belong_to_it() -> None:
    found = told(
        {
            "2025": year("2025-01-01", "2025-12-29", corrected=1, recent="s" * 61 + "c"),
            "2026": year("2026-01-02", "2026-01-03"),
        }
    )
    assert found.letters == "s" * 56 + "c" + "---" + "ss"
    assert date.fromordinal(found.first) == date(2026, 1, 3) - 61 * DAY


def test_days_before_the_first_stored_one_are_missing_if_they_were_asked_for() -> None:
    years = {"2026": year("2026-05-10", "2026-05-12")}
    assert told(years, asked_from="2026-05-08").letters == "--sss"
    assert told(years, asked_from=None).letters == "sss"
    assert told(years, asked_from="2020-01-01").letters == "-" * 59 + "sss"


def test_a_day_that_no_consent_covers_is_not_missing() -> None:
    years = {"2026": {**year("2026-05-10", "2026-05-15"), "days": 2, "recent": "s----s"}}
    found = told(years, until(12), since(14), asked_from="2026-05-10")
    assert found.letters == "s-..-s"


def test_days_between_two_rights_are_not_missing_before_the_first_day_of_the_second_has_come() -> None:
    years = {"2026": year("2026-05-10", "2026-05-12")}
    assert told(years, until(13), since(20), asked_from=None).letters == "sss" + "." * 7
    assert told(years, asked_from=None).letters == "sss"
    assert len(told(years, until(13), Window(date(9999, 1, 1), date.max), asked_from=None).letters) < 4000
    assert told(years, until(13), since(20), asked_from="2026-05-10", is_read=False).letters == "sss"


def test_what_comes_after_the_newest_day_is_expected_up_to_the_consents_end_and_only_while_it_is_read() -> None:
    years = {"2026": year("2026-05-10", "2026-05-12")}
    last = date(2026, 5, 12).toordinal()
    assert told(years).until is None
    assert told(years, until(20)).until == last + 7
    assert told(years, until(20), is_read=False).until == last


def test_a_meter_without_a_day_misses_those_that_it_was_asked_for() -> None:
    found = told({}, asked_from="2026-05-01")
    assert (found.first, found.letters, found.until) == (date(2026, 5, 1).toordinal(), "", None)
    found = told({}, asked_from=None)
    assert (found.first, found.letters, found.until) == (0, "", -1), "it was not asked yet"
    assert told({}, asked_from="2026-05-01", is_read=False).until == date(2026, 4, 30).toordinal()


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
