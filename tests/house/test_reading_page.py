"""Every request of docs/reading.md gives the answer that follows it there, and its section on changes is true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import DATA
from include.gas.documents.storing import store_readings
from include.sandbox.local_world import LocalWorld
from tests.helpers import own_couchdb

TEXT = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"```http\n(.*?)\n```\n.*?```json\n(.*?)\n```", TEXT, re.DOTALL)
FIRST, PCE = date(2026, 1, 30), "09999990746207"
Ask = Callable[..., Any]


def store(hook: CouchDBHook, last: int = 0, minutes: int = 0) -> None:
    read = [
        Reading(FIRST + timedelta(days=at), load, status, quality, {"volume": volume, "coefficient": coefficient})
        for at, (load, status, quality, volume, coefficient) in enumerate([
            (60, "definitive", "measured", 5.4, 11.2), (55, "definitive", "estimated", 5, 11.2),
            (69, "provisional", "measured", 6.2, 9), (last, "provisional", "measured", 0.4 if last else 0, 11.2),
        ])
    ]  # fmt: skip
    store_readings(hook, "home-1", PCE, read, datetime(2026, 2, 4, 0, minutes, tzinfo=UTC))


@pytest.fixture
def hook(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> CouchDBHook:
    fields, _ = own_couchdb(world)
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB_OF_READING", json.dumps(fields))
    made = CouchDBHook("couchdb_of_reading")
    store(made)
    other = [Reading(FIRST + timedelta(days=3), 31)]
    store_readings(made, "home-2", "09999990746208", other, datetime(2026, 2, 4, tzinfo=UTC))
    return made


@pytest.fixture
def ask(hook: CouchDBHook) -> Ask:
    def asked(text: str, since: str = "", **more: Any) -> Any:
        line, _, body = text.partition("\n")
        method, path = line.replace("{last_seq}", quote(since, safe="")).split(" ", 1)
        database, _, rest = path.removeprefix("/").partition("/")
        doctype = next(each for each in DATA if database_name(each) == database)
        response = hook.request(method, doctype, f"/{rest}", body=json.loads(body) | more if body else None)
        return hook.require_success(response).json()

    return asked


def shows(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and shows(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(shows, whole, part))
    return bool(whole == part)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "_changes" not in pair[0]], ids=lambda pair: pair[0][:60])
def test_the_answer_is_the_one_on_the_page(ask: Ask, pair: tuple[str, str]) -> None:
    request, answer = pair
    found = ask(request)
    assert shows(found, json.loads(answer)), json.dumps(found, indent=1)
    assert "warning" not in found or "doubts" in request  # Mango warns where no index serves a query


def test_all_are_asked() -> None:
    assert len(PAIRS) == TEXT.count("```http") == TEXT.count("```json") == 7


def test_what_has_changed(hook: CouchDBHook, ask: Ask) -> None:
    (now, empty), (later, changed) = [pair for pair in PAIRS if "_changes" in pair[0]]
    first = ask(now)
    assert shows(first, json.loads(empty))
    for times in (1, 2):
        store(hook, last=2 + times, minutes=times)
    answer = ask(later, str(first["last_seq"]))
    assert shows(answer, json.loads(changed))
    assert ask(later, str(answer["last_seq"]))["results"] == []
