"""A household's gas days in the form of Green Button: ESPI (NAESB REQ.21) resources in an Atom feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_OID, uuid5
from xml.etree import ElementTree as ET

from include.gas.days.gas_day import ONE_DAY, gas_day_start, utc_text
from include.gas.documents.day_documents import Document, day_of_id, is_number

ATOM, ESPI = "http://www.w3.org/2005/Atom", "http://naesb.org/espi"
CUSTOMER = "RetailCustomer/1"
LOCAL_TIME = {
    "dstEndRule": "AE0E3000",  # the last Sunday of October, at 3:00
    "dstOffset": 3600,
    "dstStartRule": "3E0E2000",  # the last Sunday of March, at 2:00
    "tzOffset": 3600,
}
READING_TYPE = {
    "accumulationBehaviour": 4,  # what was used in the interval
    "commodity": 7,  # natural gas
    "currency": 978,  # €
    "dataQualifier": 12,
    "flowDirection": 1,
    "intervalLength": 86400,
    "kind": 12,  # energy
    "powerOfTenMultiplier": 0,
    "uom": 72,  # Wh
}
DEFINITIVE, PROVISIONAL, QUESTIONABLE = 17, 14, 10  # validated; raw: not validated yet
QUALITIES = {"corrected": 7, "estimated": 8}
"""Of a day that was not simply measured: edited; computed from days like it."""

Content = Mapping[str, Any]


def green_button(account: str, days: Iterable[Document], *, by: str, made: datetime) -> bytes:
    """Return the days of an account, in the order of their ids, as a feed; the account only seeds random-looking ids.

    An interval is a gas day, of 23 to 25 hours; a missing day has none.
    """
    feed, at = ET.Element("feed", xmlns=ATOM), utc_text(made)

    def add(path: str, kind: str, content: Content, name: str, related: Iterable[str] = ()) -> None:
        entry = ET.SubElement(feed, "entry")
        _add_head(entry, account, path, name, at, {"self": [path], "up": [path.rpartition("/")[0]], "related": related})
        ET.SubElement(entry, "published").text = at
        _fill(ET.SubElement(ET.SubElement(entry, "content"), kind, xmlns=ESPI), content)

    _add_head(feed, account, CUSTOMER, f"Gas · Gaz ({by})", at, {"self": [CUSTOMER]})
    _fill(feed, {"author": {"name": by}})
    add("LocalTimeParameters/1", "LocalTimeParameters", LOCAL_TIME, "Europe/Paris")
    add("ReadingType/1", "ReadingType", READING_TYPE, "Wh")
    for number, (pce, of_meter) in enumerate(groupby(days, key=lambda day: str(day["_id"]).split(":")[1]), start=1):
        point = f"{CUSTOMER}/UsagePoint/{number}"
        reading = f"{point}/MeterReading/1"
        related = [f"{point}/MeterReading", "LocalTimeParameters/1"]
        add(point, "UsagePoint", {"ServiceCategory": {"kind": 1}}, pce, related)
        add(reading, "MeterReading", {}, pce, [f"{reading}/IntervalBlock", "ReadingType/1"])
        for month, of_month in groupby(of_meter, key=lambda day: day_of_id(day["_id"]).isoformat()[:7]):
            add(f"{reading}/IntervalBlock/{month}", "IntervalBlock", _block(of_month), month)
    ET.indent(feed)
    return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))


def _block(days: Iterable[Document]) -> Content:
    readings = [_reading(day) for day in days]
    first, last = (readings[at]["timePeriod"] for at in (0, -1))
    duration = last["start"] + last["duration"] - first["start"]
    return {"interval": {"duration": duration, "start": first["start"]}, "IntervalReading": readings}


def _reading(document: Document) -> dict[str, Any]:
    day, price = day_of_id(document["_id"]), document.get("price")
    start, end = (int(gas_day_start(each).timestamp()) for each in (day, day + ONE_DAY))
    return {
        **({"cost": _scaled(price, 100_000)} if is_number(price) else {}),
        "ReadingQuality": [{"quality": each} for each in _qualities(document)],
        "timePeriod": {"duration": end - start, "start": start},
        "value": _scaled(document["load"], 1000),
    }


def _qualities(document: Document) -> Iterator[int]:
    measured = DEFINITIVE if document.get("status") == "definitive" else PROVISIONAL
    yield QUALITIES.get(str(document.get("quality")), measured)
    if document.get("doubts"):
        yield QUESTIONABLE


def _scaled(number: int | float, by: int) -> int:
    return round(Decimal(repr(number)) * by)


def _add_head(
    parent: ET.Element, account: str, path: str, title: str, at: str, links: Mapping[str, Iterable[str]]
) -> None:
    _fill(parent, {"id": f"urn:uuid:{uuid5(NAMESPACE_OID, f'{account} {path}')}"})
    for rel, paths in links.items():
        for href in paths:
            ET.SubElement(parent, "link", rel=rel, href=href)
    _fill(parent, {"title": title, "updated": at})


def _fill(parent: ET.Element, content: Content) -> None:
    for name, value in content.items():
        for each in value if isinstance(value, list) else [value]:
            child = ET.SubElement(parent, name)
            if isinstance(each, Mapping):
                _fill(child, each)
            else:
                child.text = str(each)
