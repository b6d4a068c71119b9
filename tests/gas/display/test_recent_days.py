"""The newest days of a meter are told from its account's document alone, and nothing is guessed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from include.gas.account.sections.stored import told_years
from include.gas.days.windows import Window
from include.gas.display.recent_days import RecentDays, recent_days
from include.gas.rights.meter_rights import Held

PCE = "09955500000017"
DAY = timedelta(days=1)


def told(years: dict[str, Any], *covered: Window, asked_from: str | None = "2023-01-01", is_read: bool = True) -> Any:
    held = Held(pce=PCE, word="active", days=covered or (Window(date.min, date.max),))
    document: dict[str, Any] = {"stored": {PCE: years}}
    if asked_from:
        document["history"] = {PCE: {"id_accreditation": "u", "from": asked_from, "read_at": "2026-01-01T00:00:00Z"}}
    return recent_days(document, held, told_years(document, PCE), is_read=is_read)


def until(day: int) -> Window:
    return Window(date.min, date(2026, 5, day))


def since(day: int) -> Window:
    return Window(date(2026, 5, day), date.max)


def year(first: str, last: str, **more: Any) -> dict[str, Any]:
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return {"days": days, "first": first, "last": last, **more}


def test_a_whole_year_has_its_last_62_days() -> None:
    found = told({"2026": year("2026-01-01", "2026-05-17")})
    assert found == RecentDays(date(2026, 3, 17).toordinal(), "s" * 62)


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
    assert told({}, asked_from="2026-05-01") == RecentDays(date(2026, 5, 1).toordinal(), "")
    assert told({}, asked_from=None) == RecentDays(0, "", -1), "it was not asked yet"
    assert told({}, asked_from="2026-05-01", is_read=False).until == date(2026, 4, 30).toordinal()
