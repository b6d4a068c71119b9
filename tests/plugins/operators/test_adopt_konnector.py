"""Adoption in CouchDB of what the konnector stored: whose it is, and what is left alone (the rest: ``tests/gas``)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.adopt_konnector import AdoptKonnectorOperator
from include.gas.account.marks import with_leaving
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DAY, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.gas.errors import AccountLeaving, BadAccount, BadRequest
from include.gas.leaving.deletion import DeletionOrder, begin_deletion, open_record
from tests.helpers import context

PCE, FIRST = "09900000000017", date(2023, 12, 20)
DOCTYPES = (DAY, MONTH, YEAR)


def account(account_id: str = "home", **keys: Any) -> dict[str, Any]:
    results = {"pce_id": PCE}
    return {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results, **keys}


@pytest.fixture
def couchdb(own_databases: CouchDBHook) -> CouchDBHook:
    own_databases.write(ACCOUNT, [account()])
    return own_databases


def theirs(name: str, day: date, load: float, source: str = "bench") -> dict[str, Any]:
    """Return a document as the konnector writes it."""
    return {
        "_id": name, "load": load, "year": day.year, "month": day.month, "day": day.day, "hour": 0, "minute": 0,
        "cozyMetadata": {"doctypeVersion": 1, "sourceAccount": source},
    }  # fmt: skip


@pytest.fixture
def filled(couchdb: CouchDBHook) -> CouchDBHook:
    """Four days of the konnector's, one of them twice, with totals that are wrong; and two of our own."""
    days = [theirs(f"d{n}", FIRST + timedelta(days=n), 40 + n) for n in range(4)]
    couchdb.write(DAY, [*days, theirs("twin", FIRST, 40)])
    couchdb.write(MONTH, [theirs("m", FIRST, 250) | {"day": 1}, theirs("old", date(2020, 11, 1), 310.25) | {"day": 0}])
    couchdb.write(YEAR, [theirs("y", FIRST, 250) | {"month": 0, "day": 0}])
    give(couchdb, {FIRST + timedelta(days=n): 50 + n for n in (3, 4)})
    return couchdb


def give(couchdb: CouchDBHook, loads: dict[date, float]) -> None:
    """Store what GRDF says."""
    readings = [Reading(day, load, "definitive") for day, load in loads.items()]
    store_readings(couchdb, "home", PCE, readings, datetime(2024, 2, 1, tzinfo=UTC))


def adopt(account_id: str = "home", *, dry_run: bool = False) -> dict[str, Any]:
    with DAG("grdf_adopt_konnector", schedule=None):
        operator = AdoptKonnectorOperator(task_id="adopt", account_id=account_id)
    return dict(operator.execute(context() | {"params": {"account": account_id, "dry_run": dry_run}}))


def ours(couchdb: CouchDBHook, doctype: str) -> dict[str, Any]:
    return {each["_id"].rpartition(":")[2]: each for each in couchdb.scan(doctype) if ":" in each["_id"]}


def left(couchdb: CouchDBHook) -> list[str]:
    return [each["_id"] for doctype in DOCTYPES for each in couchdb.scan(doctype) if ":" not in each["_id"]]


def revisions(couchdb: CouchDBHook) -> list[str]:
    return [each["_rev"] for doctype in (*DOCTYPES, ACCOUNT) for each in couchdb.scan(doctype)]


def test_there_is_one_document_per_day_and_totals_are_right(filled: CouchDBHook) -> None:
    before = revisions(filled)
    said = adopt(dry_run=True)
    assert revisions(filled) == before
    counts = {"days_adopted": 3, "days_ours": 1, "totals_kept": 1, "totals_ours": 2, "duplicates": 1, "foreign": 0}
    assert said == {"account": "home", "dry_run": True, "uncovered": 0, **counts}
    done = adopt()
    assert {**done, "dry_run": True}.items() >= said.items()
    assert (done["changes"]["days"][0], done["removed"], left(filled)) == (str(FIRST), 8, [])
    loads = {f"{FIRST + timedelta(days=n)}": load for n, load in enumerate([40, 41, 42, 53, 54])}
    assert {day: each["load"] for day, each in ours(filled, DAY).items()} == loads
    months = {month: each["load"] for month, each in ours(filled, MONTH).items()}
    assert months == {"2020-11": 310.25, "2023-12": sum(loads.values())}
    before = revisions(filled)
    again = adopt()
    assert (revisions(filled), again["removed"], again["days_adopted"]) == (before, 0, 0), "twice is once"
    give(filled, {FIRST: 99})
    assert ours(filled, DAY)[str(FIRST)]["load"] == 99, "GRDF's next word stands"


def test_forms_and_documents_that_are_refused_change_nothing(filled: CouchDBHook) -> None:
    leaving = with_leaving({}, by="someone", since=datetime.now(UTC))
    others = (account("new", oauth_callback_results={}), account("other", account_type="enedis"))
    filled.write(ACCOUNT, [*others, account("going", **leaving)])
    filled.write(DAY, [theirs("odd", FIRST, 5) | {"load": None}])
    before = revisions(filled)
    for account_id, dry_run, error, why in (
        ("", True, BadAccount, "no such account"),
        ("a:b", True, BadAccount, "no such account"),
        ("unknown", False, BadAccount, "no such account"),
        ("other", False, BadAccount, "account_type is not"),
        ("new", False, BadAccount, "its meter is not known yet. Nothing was changed"),
        ("going", False, AccountLeaving, "it is leaving"),
        ("home", False, BadRequest, "is neither ours nor one that the konnector writes"),
    ):
        with pytest.raises(error, match=why):
            adopt(account_id, dry_run=dry_run)
    assert revisions(filled) == before


def deletion(account_id: str, at: datetime) -> dict[str, Any]:
    """Return the record of a deletion that has begun."""
    order = DeletionOrder(run="r", started="", asked_by="me", keep_data=False)
    return begin_deletion(open_record(account_id, []), order, at)


def test_figures_of_another_household_that_is_here_or_has_left_stay(couchdb: CouchDBHook) -> None:
    """One that nobody knows may be its own: who connects here anew has another account than in its Cozy."""
    couchdb.write(ACCOUNT, [account("neighbour")])
    couchdb.write(AUDIT, [deletion("departed", datetime(2024, 3, 1, tzinfo=UTC))])
    for day, source in enumerate(("neighbour", "departed", "in-its-cozy", ""), 1):
        couchdb.write(DAY, [theirs(f"of-{source}", date(2024, 1, day), day, source)])
    done = adopt()
    assert (done["foreign"], done["days_adopted"], done["removed"]) == (2, 2, 2)
    assert left(couchdb) == ["of-departed", "of-neighbour"]
    assert adopt("neighbour")["days_adopted"] == 1
    loads = {each["_id"]: each["load"] for each in couchdb.scan(DAY) if ":" in each["_id"]}
    assert loads == {f"home:{PCE}:2024-01-03": 3, f"home:{PCE}:2024-01-04": 4, f"neighbour:{PCE}:2024-01-01": 1}


def test_the_meter_is_the_one_that_the_konnector_noted_or_the_first(couchdb: CouchDBHook) -> None:
    consents = [{"pce": "09900000000033"}, {"pce": PCE}]
    for account_id, noted, pce in (("two", PCE, PCE), ("renewed", "", "09900000000033")):
        couchdb.write(ACCOUNT, [account(account_id, oauth_callback_results={"pce_id": noted, "consents": consents})])
        couchdb.write(DAY, [theirs("x" + account_id, date(2024, 1, 1), 5)])
        adopt(account_id)
        assert couchdb.get(DAY, f"{account_id}:{pce}:2024-01-01")
