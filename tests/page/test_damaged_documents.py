"""A document that another program has damaged, or put between a meter's, takes no page away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Browser, Site
from tests.page_accounts import Fleet, account_id, meter

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
    (MONTH, MARCH, {"month": "March"}),
    (MONTH, "note", {"text": "seen by another program"}),
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


@pytest.fixture
def visitor(site: Site, world: LocalWorld) -> Browser:
    couchdb, fleet = CouchDBHook(), Fleet(TODAY)
    for doctype, documents in fleet.stored(NUMBER).items():
        couchdb.write(doctype, documents)
    world.book.save(fleet.account(NUMBER))
    return site.browser("viewer")


def test_the_rest_of_an_account_is_shown(visitor: Browser) -> None:
    sizes = {path: len(visitor.get(path).text) for path in PATHS}
    couchdb, failed = CouchDBHook(), []
    for doctype, end, fields in ODD:
        key = f"{ACCOUNT}:{PCE}:{end}"
        good = couchdb.get(doctype, key)
        written = couchdb.write(doctype, [{"_id": key, "account": ACCOUNT, "pce": PCE, **(good or {}), **fields}])
        for path in PATHS:
            answer = visitor.get(path)
            if answer.status_code != 200 or len(answer.text) > sizes[path] + 1000:
                failed.append((path, answer.status_code, doctype, end, fields))
        couchdb.write(doctype, [{"_id": key, **(good or {"_deleted": True}), "_rev": written.revisions[key]}])
    assert failed == []
