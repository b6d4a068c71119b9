"""Rows of the lake from CouchDB's changes: what is in them, and what never is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.gas.lake.partitions import decode, encode, merge, partitions, rows_table, without_accounts
from include.gas.lake.rows import TABLES, Pseudonyms, row_of_change

DAYS, MONTHS, YEARS = TABLES
SAID = Pseudonyms("secret")
ID = "home:09999999900017:2026-03-29"
DOCUMENT = {"account": "home", "pce": "09999999900017", "load": 60, "year": 2026, "month": 3, "day": 29}


def row(table: Any = DAYS, doc_id: str = ID, **document: Any) -> tuple[Any, ...] | None:
    return row_of_change(table, {"id": doc_id, "doc": {"_id": doc_id, **DOCUMENT, **document}}, SAID)


def test_a_row_has_only_what_is_meant_for_analysts() -> None:
    found = row(volume=5.5, status="definitive", quality="Durand", doubts=["jump", "Durand", "zeros"], price="12",
                read_at="2026-03-31T05:00:00.000000Z", index_end=123, email="d@example.org")  # fmt: skip
    key = (SAID["home"], SAID["home:09999999900017"], date(2026, 3, 29))
    read_at = datetime(2026, 3, 31, 5, tzinfo=UTC)
    assert found == (*key, 60.0, 5.5, None, "definitive", None, "jump,zeros", read_at)
    assert row(MONTHS, "home:GI1:2026-03", days=3, measured_days=2, source="published")[3:] == (
        60.0, None, None, 3, 2, None, None, "published",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("doc_id", "document"),
    [(ID, {"load": None}), (ID, {"load": True}), (ID, {"load": 1e300}), (ID, {"day": 28}), (ID, {"month": "x"})],
)
def test_a_damaged_day_counts_as_not_stored(doc_id: str, document: dict[str, Any]) -> None:
    found = row(DAYS, doc_id, **document)
    assert found is not None
    assert found[3] is None
    assert found[:3] == row_of_change(DAYS, {"id": doc_id, "deleted": True, "doc": {}}, SAID)[:3]


@pytest.mark.parametrize(
    "doc_id", ["_design/x", "home:1:note", "home:2026-03-29", "home:1:2:2026-03-29", "home:1:2026-03"]
)
def test_other_documents_are_none(doc_id: str) -> None:
    assert row(DAYS, doc_id) is None


def test_a_pseudonym_needs_the_secret_and_joins_no_two_households() -> None:
    assert SAID["home"] != Pseudonyms("another")["home"]
    assert SAID["home"] == Pseudonyms("secret")["home"]
    assert row(DAYS, "next:09999999900017:2026-03-29")[1] != row()[1], "the same meter under another account"


def test_changed_rows_replace_theirs_the_last_of_each_key() -> None:
    made = [row(DAYS, f"{name}:1:2026-{month}-05", load=load, month=int(month), day=5)
            for name, month, load in (("a", "03", 1), ("b", "03", 2), ("a", "04", 3), ("a", "03", 4))]  # fmt: skip
    found = dict(partitions(DAYS, [rows_table(DAYS, made[:2]), rows_table(DAYS, made[2:])]))
    assert [*found] == [f"days/year=2026/month={month}/days.parquet" for month in (3, 4)]
    march = merge(decode(DAYS, None), found[next(iter(found))])
    assert {*march["load"].to_pylist()} == {2.0, 4.0}
    gone = row_of_change(DAYS, {"id": "a:1:2026-03-05", "deleted": True}, SAID)
    left = merge(decode(DAYS, encode(march)), rows_table(DAYS, [gone]))
    assert left["load"].to_pylist() == [2.0]
    assert without_accounts(left, [SAID["b"]]).num_rows == 0
    ((path, _),) = partitions(YEARS, [rows_table(YEARS, [row(YEARS, "a:1:2026")])])
    assert path == "years/year=2026/years.parquet"
