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
from include.gas.documents.billing.comparison import Comparison, compare_all
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range, id_range
from tests.helpers import MemoryShelf, context, known_account, with_memory_shelf, yesterday
from tests.plugins.published import ALL, billing, calls, change, document, periods
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
    said = billing(own, account_id)
    assert (said["frequency"], said["until"]) == ("1M", first["end"])
    assert said["contract"]["tariff"] in ("T1", "T2")
    assert isinstance(said["contract"]["car"], int)
    assert "refused" not in said
    assert not differing(account_id), "rounding is no difference"
    assert "RUE" not in json.dumps(document(own, account_id)), "the address stays at GRDF"


def differing(account: str) -> list[Comparison]:
    """What the account's page compares."""
    span = account_range(account)
    compared = compare_all(CouchDBHook().range(PUBLISHED, *span), CouchDBHook().range(DAY, *span))
    return [each for each in compared if each.beyond_rounding]


def test_differences_are_shown_and_nothing_is_mended(own: Any, account_id: str) -> None:
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
    read(account_id)
    (difference,) = differing(account_id)
    assert (difference.first, difference.missing_days) == (month, 1)
    assert difference.stored == sum(
        day["load"] for day in before if day["_id"] >= span[0] and day["month"] == month.month
    )
    assert couchdb.range(DAY, *account_range(account_id)) == before
    read_days(account_id, own)
    assert not differing(account_id)


def test_what_the_consent_leaves_out_is_noted_and_no_error(own: Any, account_id: str) -> None:
    known_account(own, account_id, perimeters=["informatives"])
    counts = read(account_id)
    assert counts == {"meters": 1}
    data = ("contract data", "technical data of the meter", "published data")
    said = " ".join(f"The household's consent does not include the {each}." for each in data)
    assert billing(own, account_id)["refused"] == said
    assert not document(own, account_id).get("state"), "its daily data are read all the same"
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
    assert read(account_id) == {"unchanged": 1}
    assert periods(account_id) == []
    assert billing(own, account_id) == {}


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
