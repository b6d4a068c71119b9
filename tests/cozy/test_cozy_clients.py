"""Cozy's own client finds our documents as it found the konnector's: sorted, page by page, and all of them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import DATA, DAY, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.sandbox.local_world import LocalWorld
from tests.cozy.client import Client

FIRST, DAYS = date(2025, 8, 20), 150
ACCOUNTS = ("cozy-74610", "cozy-74611")
PCE = "09999990746107"
NEWEST_FIRST = [{"year": "desc"}, {"month": "desc"}, {"day": "desc"}]

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def prefix(world: LocalWorld) -> Iterator[str]:
    patch, name = pytest.MonkeyPatch(), f"cozy{secrets.token_hex(4)}/"
    login = {"login": world.couch.user, "password": world.couch.password}
    facts = {"conn_type": "generic", "host": world.couch.url, "extra": {"database_prefix": name}} | login
    patch.setenv("AIRFLOW_CONN_COUCHDB_OF_COZY", json.dumps(facts))
    hook = CouchDBHook("couchdb_of_cozy")
    for account in ACCOUNTS:
        readings = [Reading(FIRST + timedelta(days=day), 10 + day % 60) for day in range(DAYS)]
        store_readings(hook, account, PCE, readings, datetime(2026, 2, 1, tzinfo=UTC))
    yield name
    patch.undo()
    for doctype in DATA:
        address = f"{world.couch.url}/{quote(database_name(doctype, name), safe='')}"
        requests.delete(address, auth=(world.couch.user, world.couch.password), timeout=30)


@pytest.fixture
def ask(world: LocalWorld, prefix: str) -> Ask:
    return Client(world.couch.url, world.couch.user, world.couch.password, prefix).ask


def dates(documents: list[dict[str, Any]]) -> list[date]:
    return [date(each["year"], each["month"], each["day"]) for each in documents]


def made_an_index(answer: dict[str, Any]) -> bool:
    return ["POST", "_index"] in answer["sent"]


def test_days_newest_first_page_by_page(ask: Ask) -> None:
    answer = ask(DAY, {"year": {"$gte": 2025}}, sort=NEWEST_FIRST, limit=100)
    assert [len(page) for page in answer["pages"][:3]] == [100, 100, 100]
    found = dates([each for page in answer["pages"] for each in page])
    assert found == sorted(found, reverse=True)
    assert len({each["_id"] for page in answer["pages"] for each in page}) == 2 * DAYS
    assert not made_an_index(answer)


def test_days_of_a_month(ask: Ask) -> None:
    oldest_first = [dict.fromkeys(each, "asc") for each in NEWEST_FIRST]
    (page,) = ask(DAY, {"year": 2025, "month": 10, "day": {"$gt": 0}}, sort=oldest_first, limit=100)["pages"]
    assert dates(page) == sorted([date(2025, 10, day) for day in range(1, 32)] * 2)


def test_months_and_years(ask: Ask) -> None:
    months = ask(MONTH, {"year": {"$gt": None}}, sort=NEWEST_FIRST[:2])
    assert [(each["year"], each["month"]) for each in months["pages"][0]][::2] == [
        (2026, 1), (2025, 12), (2025, 11), (2025, 10), (2025, 9), (2025, 8),
    ]  # fmt: skip
    years = ask(YEAR, {"year": {"$gt": None}}, sort=NEWEST_FIRST[:1])
    assert [each["year"] for each in years["pages"][0]] == [2026, 2026, 2025, 2025]
    assert {each["load"] for each in years["pages"][0]} == {
        sum(10 + day % 60 for day in range(DAYS) if (FIRST + timedelta(days=day)).year == year) for year in (2025, 2026)
    }
    assert not made_an_index(months)
    assert not made_an_index(years)


def test_all_of_a_doctype(ask: Ask) -> None:
    (page,) = ask(DAY)["pages"]
    assert len(page) == 2 * DAYS
    assert all({"load", "year", "month", "day", "hour", "minute"} <= each.keys() for each in page)


def test_oldest_days_without_a_price_by_an_index_that_the_client_makes_on_demand(ask: Ask) -> None:
    order = [dict.fromkeys(each, "asc") for each in NEWEST_FIRST]
    selector = {"year": {"$gt": None}, "load": {"$gt": 60}, "price": {"$exists": False}}
    answer = ask(DAY, selector, sort=order, limit=4, pages=1, indexedFields=["year", "month", "day", "load"])
    assert made_an_index(answer)
    assert dates(answer["pages"][0]) == [date(2025, 10, 10), date(2025, 10, 10), date(2025, 10, 11), date(2025, 10, 11)]
