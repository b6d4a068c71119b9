"""The monthly reading, executed directly: it stores and compares periods, and no account affects another."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range, id_range
from tests.helpers import MemoryShelf, context, known_account, with_memory_shelf, yesterday
from tests.plugins.published import ALL, calls, change, document, periods
from tests.plugins.steps import read_published as read

TODAY = paris_today(datetime.now(UTC))


pytestmark = pytest.mark.usefixtures("home")


def read_days(account: str, world: Any) -> None:
    """Do what the account's own DAG does for a day."""
    task = ExtractOperator(task_id="extract", account_id=account)
    staged = with_memory_shelf(task, MemoryShelf()).execute(context(yesterday(world)))
    LoadOperator(task_id="load", account_id=account, staged=staged).execute(context())


def test_periods_are_five_years_deep_and_agree_with_the_days(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, history=False)
    read_days(account_id, own)
    own.control.clear_log()
    counts = read(account_id)
    assert calls(own) == ALL
    stored = periods(account_id)
    assert counts["new"] == len(stored) >= 57
    assert stored[0]["first"] <= (TODAY - timedelta(days=5 * 365 - 62)).isoformat()
    for before, after in pairwise(stored):
        assert before["end"] == after["first"]
    first = stored[-1]
    assert first["_id"] == f"{account_id}:{pce}:{first['first']}"
    assert (first["day"], first["status"], first["reason"]) == (1, "definitive", "RNO")
    said = document(own, account_id)
    facts, published = said["meter_facts"][pce], said["published"][pce]
    assert (facts["frequency"], facts["daily_data"]) == ("1M", True)
    assert facts["tariff"] in ("T1", "T2")
    assert isinstance(facts["car"], int)
    assert "message" not in facts
    assert published["last_period"] == {"first": first["first"], "end": first["end"], "load": first["load"]}
    assert published["differences"] == [], "rounding is no difference"
    assert "differences" not in counts
    assert "RUE" not in json.dumps(said), "the address stays at GRDF"


def test_differences_are_shown_and_nothing_is_mended(
    own: Any, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (pce,) = known_account(own, account_id, history=False)
    read_days(account_id, own)
    read(account_id)
    month = date.fromisoformat(periods(account_id)[-1]["first"])
    couchdb = CouchDBHook()
    span = id_range(account_id, pce, month, month + timedelta(days=2))
    odd, gone = couchdb.range(DAY, *span)
    couchdb.write(
        DAY, [odd | {"load": odd["load"] + 500}, {"_id": gone["_id"], "_rev": gone["_rev"], "_deleted": True}]
    )
    before = couchdb.range(DAY, *account_range(account_id))
    counts = read(account_id)
    assert counts["differences"] == 1
    (difference,) = document(own, account_id)["published"][pce]["differences"]
    assert difference["first"] == str(month)
    assert difference["missing_days"] == 1
    assert difference["stored"] == sum(
        day["load"] for day in before if day["_id"] >= span[0] and day["month"] == month.month
    )
    assert couchdb.range(DAY, *account_range(account_id)) == before
    assert "Nothing was changed" in "".join(capfd.readouterr())
    read_days(account_id, own)
    assert len(document(own, account_id)["published"][pce]["differences"]) == 1, "it goes with the next reading"


def test_what_the_consent_leaves_out_is_noted_and_no_error(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, perimeters=["informatives"])
    counts = read(account_id)
    assert (counts["accounts"], counts["refused"]) == (1, 3)
    said = document(own, account_id)
    assert said["meter_facts"][pce]["refused"] == {
        "contract": "The household's consent does not include the contract data.",
        "technical": "The household's consent does not include the technical data of the meter.",
    }
    assert said["published"][pce]["message"] == "The household's consent does not include the published data."
    assert not said.get("state"), "its daily data are read all the same"
    own.control.clear_log()
    assert read() == {}, "asked again next month"
    assert calls(own) == []


def test_one_that_leaves_meanwhile_keeps_nothing(own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from grdf.hooks.adict import AdictHook

    known_account(own, account_id)
    ask = AdictHook.published_lines

    def late(self: Any, *arguments: Any, **more: Any) -> Any:
        change(own, account_id, leaving={"run": "r", "by": "someone", "since": "2024-01-01T00:00:00Z"})
        return ask(self, *arguments, **more)

    monkeypatch.setattr(AdictHook, "published_lines", late)
    assert read(account_id)["skipped"] == 1
    assert periods(account_id) == []
    assert not {"published", "meter_facts"} & document(own, account_id).keys()


def stored(account: str, doctype: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(doctype, *account_range(account))


def loads(account: str, doctype: str) -> int:
    return sum(each["load"] for each in stored(account, doctype))


def test_the_totals_of_a_meter_without_daily_data_are_those_of_its_periods(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, frequency="6M")
    read(account_id)
    assert loads(account_id, PUBLISHED) == loads(account_id, MONTH) == loads(account_id, YEAR) > 0
    months = stored(account_id, MONTH)
    assert {(each["source"], each["days"]) for each in months} == {("published", 0)}
    covered = sum(each["days"] for each in stored(account_id, PUBLISHED))
    assert sum(each["published_days"] for each in months) == covered
    before = [each["_rev"] for each in (*months, *stored(account_id, YEAR))]
    read(account_id)
    assert [each["_rev"] for each in (*stored(account_id, MONTH), *stored(account_id, YEAR))] == before
