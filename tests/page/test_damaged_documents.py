"""A document that another program has damaged, or put between a meter's, takes nobody's page away."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.meter_tag import meter_tag
from tests.page_accounts import Fleet, account_id, meter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

NUMBER = 918
ACCOUNT, PCE = account_id(NUMBER), meter(NUMBER)
TODAY = paris_today(datetime.now(UTC))
LAST_YEAR = TODAY.year - 1
MARCH = f"{LAST_YEAR}-03"
ODD: list[tuple[str, str, dict[str, Any]]] = [
    (DAY, f"{MARCH}-07", {"changes": [{"at": "soon", "before": "many", "after": {}}]}),
    (DAY, f"{MARCH}-07", {"changes": [{"at": "0001-01-01T00:00:00+14:00", "before": None, "after": 1}]}),
    (DAY, f"{MARCH}-07", {"month": 13, "doubts": [{}]}),
    (DAY, "2020-13-45", {"load": 5, "year": 2020, "month": 13, "day": 45}),
    (DAY, f"{MARCH}-07-note", {"load": 5000, "year": LAST_YEAR, "month": 3, "day": 7}),
    (MONTH, MARCH, {"days": "many"}),
    (MONTH, MARCH, {"days": [1]}),
    (MONTH, MARCH, {"month": "March"}),
    (YEAR, str(LAST_YEAR), {"days": float(10**15)}),
    (YEAR, "0002", {"load": 5, "year": 2, "days": 0}),
    (YEAR, "9998", {"load": 5, "year": 9998, "days": 0}),
    (PUBLISHED, "2024-01-01", {"load": 5}),
    (PUBLISHED, "2024-01-02", {"load": 5, "first": "2024-01-02", "end": "2024-02-02", "coefficient": "abc"}),
    (PUBLISHED, "2024-01-03", {"load": "x", "first": "2024-01-03", "end": "2024-02-02"}),
]
PATHS = (
    f"/accounts/{ACCOUNT}",
    f"/accounts/{ACCOUNT}?month={MARCH}",
    f"/accounts/{ACCOUNT}/published?meter={meter_tag(ACCOUNT, PCE)}",
    *(f"/accounts/{ACCOUNT}/{table}.csv" for table in ("days", "months", "years", "published")),
)


@pytest.fixture(scope="module")
def _stored(world: LocalWorld) -> None:
    couchdb, fleet = CouchDBHook(), Fleet(TODAY)
    for doctype, documents in fleet.stored(NUMBER).items():
        couchdb.write(doctype, documents)
    world.book.save(fleet.account(NUMBER))


@pytest.fixture(scope="module")
def visitor(site: Site, _stored: None) -> requests.Session:
    return site.browser("viewer")


@pytest.fixture(scope="module")
def sizes(visitor: requests.Session) -> dict[str, int]:
    """How long each page and file is while nothing is odd."""
    return {path: len(visitor.get(path).text) for path in PATHS}


@pytest.fixture(params=ODD, ids=str)
def _odd(request: pytest.FixtureRequest, sizes: dict[str, int]) -> Iterator[None]:
    doctype, end, fields = request.param
    couchdb, key = CouchDBHook(), f"{ACCOUNT}:{PCE}:{end}"
    good = couchdb.get(doctype, key)
    written = couchdb.write(doctype, [{"_id": key, "account": ACCOUNT, "pce": PCE, **(good or {}), **fields}])
    yield
    couchdb.write(doctype, [{"_id": key, **(good or {"_deleted": True}), "_rev": written.revisions[key]}])


@pytest.mark.usefixtures("_odd")
@pytest.mark.parametrize("path", PATHS)
def test_the_rest_is_shown(site: Site, path: str, sizes: dict[str, int]) -> None:
    answer = site.browser("viewer").get(path)
    assert answer.status_code == 200
    assert len(answer.text) < sizes[path] + 1000


@pytest.mark.parametrize(
    "odd", ["9999-12-31", "0001-01-01", 10**30, -(10**400), {"2026": {"first": "9999-12-31"}}], ids=str
)
@pytest.mark.parametrize(
    "place",
    [
        ("status", "readings", PCE, "years", str(LAST_YEAR), "first"),
        ("status", "readings", PCE, "years", str(LAST_YEAR), "last"),
        ("status", "readings", PCE, "years", str(LAST_YEAR), "days"),
        ("status", "readings", PCE, "years"),
        ("status", "readings", PCE, "since"),
        ("status", "readings", PCE, "whole_at"),
        ("status", "readings", PCE, "under"),
        ("status", "billing", PCE, "read_at"),
        ("status", "billing", PCE, "until"),
        ("status", "billing", PCE, "contract", "car"),
    ],
    ids=str,
)
def test_the_account_is_shown_whatever_it_notes(
    world: LocalWorld, visitor: requests.Session, place: tuple[str, ...], odd: Any
) -> None:
    document: Any = world.book.get(ACCOUNT) or {}
    inner = damaged = copy.deepcopy(document)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    world.book.save(damaged)
    codes = [visitor.get(path).status_code for path in (PATHS[0], "/", "/fleet")]
    world.book.save(document)
    assert codes == [200, 200, 200]


def test_an_account_that_does_not_say_what_is_stored_is_shown_too(world: LocalWorld, visitor: requests.Session) -> None:
    """Then the newest month is what the totals say."""
    couchdb, key = CouchDBHook(), f"{ACCOUNT}:{PCE}:note"
    document = world.book.get(ACCOUNT) or {}
    del document["status"]["readings"]
    world.book.save(document)
    couchdb.write(MONTH, [{"_id": key, "account": ACCOUNT, "pce": PCE, "text": "seen by another program"}])
    assert visitor.get(PATHS[0]).status_code == 200
