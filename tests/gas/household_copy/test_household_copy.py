"""The copy that a household takes along: what is its own, its tables, and Green Button against ESPI's schema."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

from lxml import etree

from include.gas.account.declaration import Declaration
from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.published import Period
from include.gas.days.gas_day import gas_day_start
from include.gas.documents.billing.periods import period_document
from include.gas.documents.day_documents import Document, day_document
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.totals import month_documents, year_documents
from include.gas.household_copy.green_button import green_button
from include.gas.household_copy.own_documents import OwnDocuments
from include.gas.household_copy.tables import FIGURES, RECORDS, RIGHTS, record_rows, right_rows, to_csv, to_json
from include.gas.household_copy.words import kept_rows
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from include.gas.rights.meter_rights import Meter, Right

PCE, NOW = "09999990000001", datetime(2026, 11, 1, 9, tzinfo=UTC)
ESPI = {"e": "http://naesb.org/espi", "a": "http://www.w3.org/2005/Atom"}


def day(at: date, load: float = 60, account: str = "home", pce: str = PCE, **more: Any) -> Document:
    said = {key: more.pop(key) for key in ("status", "quality") if key in more}
    return day_document(account, Reading(at, load, **said), pce, NOW) | more


def right(account: str, first: date, end: date | None, **more: Any) -> Right:
    return Right(client="north", id=f"r-{account}", account=account, way="declared", state="active", was_active=True,
                 since=f"{first}T09:00:00.000000Z", first=first, end=end, **more)  # fmt: skip


def test_days_are_green_button_by_the_published_schema() -> None:
    """The schema as openleadr ships it (OpenADR 2.0b: espi.xsd of NAESB, version 0.7.20121113, and Atom's)."""
    short, long = date(2026, 3, 28), date(2026, 10, 24)
    days = [
        day(short, 60.125, status="definitive", price=6.42375),
        day(date(2026, 3, 30), 0, quality="estimated"),
        day(long, 1, quality="corrected", doubts=["jump"]),
        day(date(2026, 10, 31), 2),
        day(long, 3, pce="GI000001"),
    ]
    text = green_button("home", days, by="Métropole <&> ville", made=NOW)
    schema = etree.XMLSchema(file=str(files("openleadr") / "schema" / "oadr_greenbutton.xsd"))
    feed = etree.fromstring(text)
    schema.assertValid(feed)
    assert not schema.validate(etree.fromstring(text.replace(b"<value>60125</value>", b"<value>60.125</value>")))

    def found(path: str) -> list[list[int]]:
        readings = feed.iterfind(".//e:IntervalReading", ESPI)
        return [[int(each.text or "") for each in reading.iterfind(path, ESPI)] for reading in readings]

    assert found("e:value") == [[60125], [0], [1000], [2000], [3000]]
    assert found("e:cost") == [[642375], [], [], [], []]
    assert found("e:ReadingQuality/e:quality") == [[17], [8], [7, 10], [14], [14]]
    hours = [[23 * 3600], [24 * 3600], [25 * 3600], [24 * 3600], [25 * 3600]]
    assert found("e:timePeriod/e:duration") == hours
    assert found("e:timePeriod/e:start")[0] == [int(gas_day_start(short).timestamp())]
    blocks = [int(each.text or "") for each in feed.iterfind(".//e:IntervalBlock/e:interval/e:duration", ESPI)]
    assert blocks == [71 * 3600, (25 + 7 * 24) * 3600, 25 * 3600], "from the first to the last day of a month"
    assert len(feed.findall(".//e:UsagePoint", ESPI)) == 2
    addresses = [link.get("href") for link in feed.iterfind("a:entry/a:link[@rel='self']", ESPI)]
    assert len({*addresses}) == len(addresses)
    schema.assertValid(etree.fromstring(green_button("home", [], by="x", made=NOW)))


def test_what_another_household_used_is_left_out_with_its_sums() -> None:
    moved = date(2026, 3, 10)
    meter = Meter(pce=PCE, rights=(right("home", date(2026, 1, 1), moved, ended_on=moved), right("next", moved, None)))
    march, may = (date(2026, month, 1) for month in (3, 5))
    adopted = day(date(2025, 12, 31), 7)
    days = [adopted, *(day(march + timedelta(days=number), 10 + number) for number in range(20))]
    before, across = (period_document("home", PCE, Period(first, end, 100), NOW)
                      for first, end in ((date(2026, 1, 1), march), (date(2026, 3, 5), may)))  # fmt: skip
    home = OwnDocuments("home", [meter], shared=False)
    damaged = [day(march) | {"load": "12"}, {"_id": f"home:{PCE}:note", "load": 5}]
    assert home.choose(DAY, [*days, *damaged]) == days[:10]
    assert home.choose(PUBLISHED, [before, across]) == [before]
    months = month_documents("home", PCE, [*days, day(date(2026, 2, 1)), day(date(2026, 4, 30))])
    assert [each["_id"][-7:] for each in home.choose(MONTH, months.values())] == ["2025-12", "2026-02"]
    years = year_documents("home", PCE, days)
    assert [each["_id"][-4:] for each in home.choose(YEAR, years.values())] == ["2025"]
    alone = OwnDocuments("home", [Meter(pce=PCE, rights=meter.rights_of("home"))], shared=False)
    assert alone.choose(DAY, days) == days[:10], "what no right covers is still to be removed"
    of_next = [each | {"_id": each["_id"].replace("home", "next"), "account": "next"} for each in days]
    assert OwnDocuments("next", [meter], shared=False).choose(DAY, of_next[1:]) == of_next[10:]
    assert [row["id"] for row in right_rows("home", [meter])] == ["r-home"]


def test_tables_say_what_is_known_and_nothing_else() -> None:
    _, table = FIGURES["days"]
    notes = {"_rev": "1-abc", "cozyMetadata": {"sourceAccount": "x"}, "doubts": ["zeros", "index"], "pcs": 11.2}
    rows = [day(date(2026, 3, 1), 6.5, changes=[{"at": "x", "before": 1, "after": 6.5}], **notes)]
    (said,) = csv.DictReader(to_csv(table, rows).splitlines())
    assert (said["pce"], said["day"], said["kwh"], said["corrections"], said["doubts"]) == (
        PCE, "2026-03-01", "6.5", "1", "index zeros",
    )  # fmt: skip
    (found,) = json.loads(to_json(table, rows))
    assert found.keys() == {
        "pce",
        "day",
        "kwh",
        "status",
        "quality",
        "read_at",
        "corrections",
        "changes",
        "doubts",
        "pcs",
    }
    entered = Declaration(pce=PCE, name="=Durand()", email="d@example.org", perimeters=["publiees"])
    records = [new_record("home", entered, NOW, by=by) for by in (HOUSEHOLD, "boss@city.example")]
    told = record_rows(records)
    assert [row["name"] for row in csv.DictReader(to_csv(RECORDS, told).splitlines())] == ["'=Durand()"] * 2
    text = to_json(RECORDS, told)
    assert [each["by"] for each in json.loads(text)] == [HOUSEHOLD, "operator"]
    assert "boss@" not in text + to_csv(RECORDS, told)
    assert json.loads(to_json(RIGHTS, [])) == []


def test_how_long_is_said_as_the_settings_say() -> None:
    texts = {"records": {"en": "{records}", "fr": "{records}"}, "days": {"en": "{days}", "fr": "{days}"}}
    for days, years, numbers in ((0, None, ("", "")), (1826, 3, ("5", "3")), (400, None, ("400", ""))):
        records, of_days = kept_rows(texts, {"days": 7}, record_days=days, days_years=years)
        for row, number in ((records, numbers[0]), (of_days, numbers[1])):
            for language in ("en", "fr"):
                assert "".join(word for word in row[language].split() if word.isdecimal()) == number
        assert (records["number"], of_days["number"]) == (None, 7)
