"""Every request of docs/reading.md gives the answer that follows it there, and what it says about changes is true."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import DATA, DAY
from include.gas.documents.gas_days import database_name
from include.gas.documents.storing import load_answer
from include.sandbox.local_world import LocalWorld

PAGE = Path(__file__).parents[2] / "docs" / "reading.md"
PAIRS = re.findall(r"```http\n(.*?)\n```\n.*?```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
FIRST, PCE = date(2026, 1, 30), "09999990746207"


def readings(last: int = 0) -> list[Reading]:
    days = [
        (60, 5.4, "definitive", "measured"),
        (55, 5, "definitive", "estimated"),
        (69, 6.2, "provisional", "measured"),
    ]
    made = [
        Reading(
            FIRST + timedelta(days=at), load, status, quality, {"volume": volume, "coefficient": 11.2 if at < 2 else 9}
        )  # type: ignore[arg-type]
        for at, (load, volume, status, quality) in enumerate(days)
    ]
    return [
        *made,
        Reading(FIRST + timedelta(days=3), last, measures={"volume": 0 if not last else 0.4, "coefficient": 11.2}),
    ]


@pytest.fixture(scope="module")
def hook(world: LocalWorld) -> Iterator[CouchDBHook]:
    patch, prefix = pytest.MonkeyPatch(), f"read{secrets.token_hex(4)}/"
    facts = {"conn_type": "generic", "host": world.couch.url, "extra": {"database_prefix": prefix}}
    login = {"login": world.couch.user, "password": world.couch.password}
    patch.setenv("AIRFLOW_CONN_COUCHDB_OF_READING", json.dumps(facts | login))
    made = CouchDBHook("couchdb_of_reading")
    store(made)
    others = [Reading(FIRST + timedelta(days=3), 31)]
    load_answer(made, "home-2", "09999990746208", others, datetime(2026, 2, 4, tzinfo=UTC))
    first = made.get(DAY, f"home-1:{PCE}:{FIRST}") or {}
    made.put(DAY, first | {"price": 6.2})
    yield made
    patch.undo()
    for doctype in DATA:
        address = f"{world.couch.url}/{quote(database_name(doctype, prefix), safe='')}"
        requests.delete(address, auth=(world.couch.user, world.couch.password), timeout=30)


def store(hook: CouchDBHook, last: int = 0, minutes: int = 0) -> None:
    when = datetime(2026, 2, 4, tzinfo=UTC) + timedelta(minutes=minutes)
    load_answer(hook, "home-1", PCE, readings(last), when)


@pytest.fixture
def ask(hook: CouchDBHook) -> Callable[..., Any]:
    def asked(text: str, **values: str) -> Any:
        line, _, body = text.partition("\n")
        method, path = line.split(" ", 1)
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        database, _, rest = path.removeprefix("/").partition("/")
        doctype = next(each for each in DATA if database_name(each) == database)
        response = hook.request(method, doctype, f"/{rest}", body=json.loads(body) if body else None)
        return hook.good(response).json()

    return asked


def shows(whole: Any, part: Any) -> bool:
    """Whether an answer has all that the page shows of it. Lists must be as long."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and shows(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(shows, whole, part))
    return bool(whole == part)


def test_the_page_has_pairs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(PAIRS) == text.count("```http") == text.count("```json") == 8


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "_changes" not in pair[0]], ids=lambda pair: pair[0][:60])
def test_the_answer_is_the_one_on_the_page(ask: Callable[..., Any], pair: tuple[str, str]) -> None:
    request, answer = pair
    found = ask(request)
    assert shows(found, json.loads(answer)), json.dumps(found, indent=1)
    assert "warning" not in found or "doubts" in request  # Mango warns where no index serves a query


def test_the_next_page_follows_by_the_bookmark(ask: Callable[..., Any]) -> None:
    (request,) = [request for request, _ in PAIRS if '"limit": 2' in request and '"desc"' in request]
    seen: list[Any] = []
    bookmark = None
    for _ in range(4):
        line, body = request.split("\n", 1)
        more = {"bookmark": bookmark} if bookmark else {}
        answer = ask(f"{line}\n{json.dumps(json.loads(body) | more)}")
        seen += answer["docs"]
        bookmark = answer["bookmark"]
    assert len(seen) == 5


def test_what_has_changed(hook: CouchDBHook, ask: Callable[..., Any]) -> None:
    (now, empty), (later, changed) = [pair for pair in PAIRS if "_changes" in pair[0]]
    first = ask(now)
    assert shows(first, json.loads(empty))
    store(hook, last=3, minutes=1)
    store(hook, last=4, minutes=2)
    answer = ask(later, last_seq=str(first["last_seq"]))
    assert shows(answer, json.loads(changed))
    assert ask(later, last_seq=str(answer["last_seq"]))["results"] == []
