"""After days of the next household were taken back, no price on a total tells their kWh."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import holder, yesterday
from tests.plugins.steps import read_published
from tests.rights.scene import bring, check, document, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")


def totals(couchdb: CouchDBHook, account: str) -> list[tuple[str, dict[str, Any]]]:
    return [(each, doc) for each in (MONTH, YEAR) for doc in couchdb.range(each, *account_range(account))]


def with_prices(couchdb: CouchDBHook, account: str) -> None:
    """Compute prices for the totals as they are, as a consumer does."""
    for doctype, total in totals(couchdb, account):
        if "price" not in total:
            couchdb.write(doctype, [total | {"price": total["load"] / 10}])


def hands_over(world: LocalWorld, account: str, right: str, days: int) -> None:
    world.control.revoke(right)
    start = str(yesterday(world) - timedelta(days=days))
    world.control.consent([holder(account).pces[0]], conso_debut=start, keep_others=True)


def test_neither_the_last_price_nor_an_earlier_one(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    with_prices(couchdb, account_id)
    hands_over(clean, account_id, right, 20)
    for kwh in (777, 888):
        clean.control.correct(pce, yesterday(clean) - timedelta(days=3), kwh)
        run(clean, account_id)
        with_prices(couchdb, account_id)
    foreign = {doc["_id"]: doc for _, doc in totals(couchdb, account_id) if "former_price" in doc}
    assert len(foreign) == 2, "a month and the year"
    check()
    after = totals(couchdb, account_id)
    assert document(clean, account_id)["consents_lost"] == [pce]
    for _, total in after:
        assert "former_price" not in total
        assert ("price" in total) == (total["_id"] not in foreign), "the others fit"


def test_totals_of_billing_periods_tell_none_either(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    (pce,) = holder(account_id).pces
    clean.control.set_quirks(pce, frequency="6M")
    right = bring(clean, account_id, pce, days=700)
    check()
    read_published(account_id)
    check()
    period = couchdb.range(PUBLISHED, *account_range(account_id))[-1]
    hands_over(clean, account_id, right, 700)
    end = str(yesterday(clean) + timedelta(days=3))
    late = {**period, "first": period["end"], "end": end, "load": 4000, "read_at": f"{end}T00:00:00Z"}
    del late["_rev"]
    couchdb.write(PUBLISHED, [late | {"_id": f"{account_id}:{pce}:{period['end']}"}])
    from grdf.meters.published_totals import write_period_totals

    write_period_totals(couchdb, account_id, pce, new=True)
    with_prices(couchdb, account_id)
    check()
    assert not any(doc["read_at"].startswith(end) for doc in couchdb.range(PUBLISHED, *account_range(account_id)))
    after = totals(couchdb, account_id)
    assert after
    assert not any("former_price" in total for _, total in after)
