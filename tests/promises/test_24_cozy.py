"""Promise 24: doctypes, ids, states, foreign keys and queries as Cozy's clients use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from include.sandbox.couch.embedded import EmbeddedCouch
from tests.promises.adapter import ACCOUNTS, DAYS, METERS, MONTHS, PERIODS, SEND, YEARS, Document, Town

PCE = METERS[0]


def test_documents_have_cozys_form(town: Town) -> None:
    town.connect("alder", PCE, back=120)
    town.mornings(2, published=True)
    days, months, years = (town.documents(database) for database in (DAYS, MONTHS, YEARS))
    assert days
    for key, each in (days | months | years).items():
        account, pce, when = key.split(":")
        year, month, day = (int(part) for part in (when + "-01-01")[:10].split("-"))
        assert (each["_id"], each["account"], each["pce"]) == (key, "alder", PCE) == (key, account, pce)
        assert (each["year"], each["month"], each["day"]) == (year, month, day)
        assert (each["hour"], each["minute"]) == (0, 0)
        assert isinstance(each["load"], int | float)
    assert {len(key) for key in days} == {len(f"alder:{PCE}:2026-04-20")}
    assert {len(key) for key in months} == {len(f"alder:{PCE}:2026-04")}
    assert {len(key) for key in years} == {len(f"alder:{PCE}:2026")}
    assert all(each["days"] >= 1 for each in (*months.values(), *years.values()))
    assert all(key.startswith(f"alder:{PCE}:") for key in town.documents(PERIODS))
    account = town.account("alder")
    assert account["account_type"] == "grdfgrandlyon"
    assert account["oauth_callback_results"]["pce_id"] == PCE
    (consent,) = account["oauth_callback_results"]["consents"]
    assert (consent["pce"], consent["id_accreditation"]) == (PCE, town.rights(PCE)[0]["id_droit_acces"])


def test_what_cozy_put_on_an_account_stays(town: Town) -> None:
    own = {
        "auth": {"login": "x"},
        "cozyMetadata": {"createdAt": "2026-04-01T00:00:00Z"},
        "relationships": {"master": 1},
    }
    town.put("alder", own | {"name": "at home", "oauth_callback_results": {"scope": "openid", "more": [1]}})
    town.connect("alder", PCE, back=20)
    town.mornings(2, published=True)
    town.revoke(*(right["id_droit_acces"] for right in town.rights(PCE)))
    town.mornings(3)
    account = town.account("alder")
    assert account.items() >= (own | {"name": "at home"}).items()
    assert account["oauth_callback_results"]["more"] == [1]
    assert "access_token" not in str(account)
    assert "id_token" not in account["oauth_callback_results"] or not account["oauth_callback_results"]["id_token"]


def test_states_are_cozys_words(new_town: Callable[..., Town]) -> None:
    town = new_town()
    (right,) = town.connect("alder", PCE, back=20)
    town.fault(503, "informatives", times=10_000)
    town.mornings()
    assert town.state("alder") in ("", "VENDOR_DOWN")
    town.calm()
    town.mornings()
    assert town.state("alder") == ""
    town.revoke(right)
    town.mornings(3)
    assert town.state("alder") == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    town.connect("alder", PCE, back=20)
    assert town.state("alder") == ""
    town.forget_tokens()
    town.fault(401, "access_token", times=10_000)
    town.mornings()
    assert town.state("alder") in ("", "LOGIN_FAILED")
    town.calm()
    town.pass_(hours=2)
    town.mornings()
    assert town.state("alder") == ""


@contextmanager
def real_couchdb(town: Town) -> Iterator[Callable[[str, str, Document | None], Any]]:
    """Put what a town has stored into a CouchDB that answers queries. Return what asks it."""
    from grdf.couchdb_setup import main

    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr("requests.adapters.HTTPAdapter.send", SEND)
        couch = stack.enter_context(EmbeddedCouch(town.staging, memory=True))
        login = {"login": couch.user, "password": couch.password}
        patch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps({"conn_type": "generic", "host": couch.url, **login}))
        assert main(["setup"]) == 0

        def ask(method: str, path: str, body: Document | None) -> Any:
            own = (couch.user, couch.password)
            answer = requests.request(method, couch.url + path, json=body, auth=own, timeout=30)
            answer.raise_for_status()
            return answer.json()

        for database in (ACCOUNTS, DAYS, MONTHS, YEARS, PERIODS):
            found = town.documents(database).values()
            docs = [{name: value for name, value in doc.items() if name != "_rev"} for doc in found]
            ask("POST", f"/{database}/_bulk_docs", {"docs": docs})
        yield ask


def test_cozys_queries_find_them_sorted_and_page_by_page(town: Town) -> None:
    town.connect("alder", PCE, METERS[1], back=120)
    town.connect("birch", METERS[2], back=60)
    with real_couchdb(town) as couchdb:
        sort = [{"account": "desc"}, {"year": "desc"}, {"month": "desc"}, {"day": "desc"}]
        found: list[tuple[int, int, int]] = []
        bookmark = None
        while True:
            selector = {"account": "alder"} | {name: {"$gt": None} for name in ("year", "month", "day")}
            query = {"selector": selector, "sort": sort, "limit": 50, "bookmark": bookmark}
            page = couchdb("POST", f"/{DAYS}/_find", {name: value for name, value in query.items() if value})
            found += [(each["year"], each["month"], each["day"]) for each in page["docs"]]
            bookmark = page["bookmark"]
            if len(page["docs"]) < 50:
                break
        assert len(found) == sum(key.startswith("alder:") for key in town.documents(DAYS))
        assert found == sorted(found, reverse=True)
        assert "no matching index" not in str(page.get("warning"))
        for database, fields in ((MONTHS, ("year", "month")), (YEARS, ("year",))):
            sort = [{name: "desc"} for name in fields]
            query = {"selector": {"year": {"$gte": 2026}} | {name: {"$gt": None} for name in fields[1:]}, "sort": sort}
            docs = couchdb("POST", f"/{database}/_find", query)["docs"]
            keys = [tuple(each[name] for name in fields) for each in docs]
            assert keys
            assert keys == sorted(keys, reverse=True)
        first, last = f"alder:{PCE}:2026-03-01", f"alder:{PCE}:2026-03-31"
        path = f'/{DAYS}/_all_docs?include_docs=true&startkey="{first}"&endkey="{last}"'
        rows = couchdb("GET", path, None)["rows"]
        assert [row["id"] for row in rows] == sorted(key for key in town.documents(DAYS) if first <= key <= last)
        assert couchdb("GET", f"/{ACCOUNTS}/alder", None)["account_type"] == "grdfgrandlyon"
