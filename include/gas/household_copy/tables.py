"""Tables of a household's data, as CSV and JSON, without keys of CouchDB's, of other programs and of other people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from include.gas.account.status import Status
from include.gas.answers.consumption.daily import MEASURES
from include.gas.display.csv_cells import safe_cell
from include.gas.documents.day_checks import WORDS, is_doubted
from include.gas.documents.day_documents import Document
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord, to_document
from include.gas.rights.meter_rights import Meter, MeterAccess

MEASURED = ("volume", "coefficient", "index_start", "index_end")
SUMMED = ("volume", "volume_days", "measured_days", "estimated_days", "corrected_days")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table; in JSON it also has those that are in ``more``."""

    columns: tuple[str, ...]
    more: tuple[str, ...] = ()


FIGURES: dict[str, tuple[str, Table]] = {
    "days": (
        DAY,
        Table(
            ("pce", "day", "kwh", "status", "quality", "read_at", "corrections", *MEASURED, "doubts", "price"),
            ("changes", *sorted(MEASURES.difference(MEASURED))),
        ),
    ),
    "published": (
        PUBLISHED,
        Table(
            ("pce", "first", "end", "kind", "kwh", "coefficient", "reason", "status", "quality", "read_at"),
            ("volume", "changes"),
        ),
    ),
    "months": (MONTH, Table(("pce", "month", "kwh", "days", *SUMMED, "price"), ("source", "published_days"))),
    "years": (YEAR, Table(("pce", "year", "kwh", "days", *SUMMED, "price"), ("source", "published_days"))),
}
"""Doctype and table: ``price`` in €, volumes and indexes in m³; ``end`` is exclusive."""

RIGHTS = Table(
    ("pce", "id", "way", "role", "state", "since", "begins", "calls_until", "first", "end", "ended_on", "revoked"),
    ("daily", "published", "proof"),
)
METERS = Table(("pce", "first", "end", "tariff", "profile", "car", "frequency"))
RECORDS = Table(
    ("given", "by", "pce", "name", "company", "postcode", "email", "phone", "first", "end", "calls_until", "proof"),
    ("perimeters", "agreed"),
)
GROUPS = Table(("dimension", "group"))
KEPT = Table(("data", "number", "en", "fr"))


def right_rows(account: str, meters: Iterable[Meter]) -> list[Document]:
    """Return the account's own rights to some meters."""
    return [
        {"role": right.role, **msgspec.to_builtins(right), "pce": meter.pce}
        for meter in meters
        for right in meter.rights_of(account)
    ]


def meter_rows(document: Mapping[str, Any], access: Iterable[MeterAccess]) -> list[Document]:
    """Return which days of its meters an account may hold, and what is known of their contracts."""
    billing = {each.pce: Status.billing_of(document, each.pce) for each in access}
    return [
        {"pce": each.pce, "first": each.first_day, "end": each.end_day, "frequency": billing[each.pce].frequency}
        | msgspec.to_builtins(billing[each.pce].contract)
        for each in access
    ]


def record_rows(records: Iterable[ConsentRecord]) -> list[Document]:
    """Return records of consent, without the names of operators."""
    documents = [to_document(each) for each in records]
    return [
        each | each["entered"] | {"by": each["by"] if each["by"] == HOUSEHOLD else "operator"} for each in documents
    ]


def to_csv(table: Table, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table as CSV that a spreadsheet does not run."""
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(table.columns)
    writer.writerows([_cell(_value(row, column)) for column in table.columns] for row in rows)
    return "".join(lines)


def to_json(table: Table, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table as JSON, one object on each line, without what is not known."""
    names = (*table.columns, *table.more)
    objects = ({name: value for name in names if (value := _value(row, name)) not in (None, "", [])} for row in rows)
    return "[\n" + ",\n".join(msgspec.json.encode(each).decode() for each in objects) + "\n]\n"


def _value(row: Mapping[str, Any], column: str) -> Any:
    if column in ("day", "month", "year"):
        return str(row["_id"]).rpartition(":")[2]
    if column == "corrections":
        return len(row["changes"]) if isinstance(row.get("changes"), list) else 0
    if column == "doubts":
        return [word for word in WORDS if is_doubted(row, word)]
    return row.get("load" if column == "kwh" else column)


def _cell(value: Any) -> object:
    return safe_cell(" ".join(value) if isinstance(value, list) else value)


class _Lines(list[str]):
    def write(self, line: str) -> None:
        self.append(line)
