"""Adoption in CouchDB of what the konnector stored: its account, and what is left alone (the rest: ``tests/gas``)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.adopt_konnector import AdoptKonnectorOperator
from include.gas.account.marks import with_leaving
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DAY, MONTH, YEAR
from include.gas.errors import AccountLeaving, BadAccount, BadRequest
from include.gas.leaving.deletion import DeletionOrder, begin_deletion, open_record
from tests.helpers import context

PCE, FIRST = "09900000000017", date(2023, 12, 20)
DOCTYPES = (DAY, MONTH, YEAR)


def account(account_id: str = "home", **keys: Any) -> dict[str, Any]:
    results = {"pce_id": PCE, "consents": [{"pce": "09900000000033"}, {"pce": PCE}]}
    return {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results, **keys}


@pytest.fixture
def couchdb(own_databases: CouchDBHook) -> CouchDBHook:
    own_databases.write(ACCOUNT, [account()])
    return own_databases


def theirs(name: str, day: date, load: float, source: str = "bench") -> dict[str, Any]:
    return {
        "_id": name, "load": load, "year": day.year, "month": day.month, "day": day.day, "hour": 0, "minute": 0,
        "cozyMetadata": {"doctypeVersion": 1, "sourceAccount": source},
    }  # fmt: skip


def adopt(account_id: str = "home", *, dry_run: bool = False) -> dict[str, Any]:
    with DAG("grdf_adopt_konnector", schedule=None):
        operator = AdoptKonnectorOperator(task_id="adopt", account_id=account_id)
    return dict(operator.execute(context() | {"params": {"account": account_id, "dry_run": dry_run}}))


def left(couchdb: CouchDBHook) -> list[str]:
    return [each["_id"] for doctype in DOCTYPES for each in couchdb.scan(doctype) if ":" not in each["_id"]]


def revisions(couchdb: CouchDBHook) -> list[str]:
    return [each["_rev"] for doctype in (*DOCTYPES, ACCOUNT) for each in couchdb.scan(doctype)]


def test_a_dry_run_counts_what_a_run_does_and_twice_is_once(couchdb: CouchDBHook) -> None:
    couchdb.write(DAY, [theirs(f"d{n}", FIRST + timedelta(days=n), 40 + n) for n in range(4)])
    couchdb.write(MONTH, [theirs("old", date(2020, 11, 1), 310.25) | {"day": 0}])
    before = revisions(couchdb)
    said = adopt(dry_run=True)
    assert revisions(couchdb) == before
    counts = {"days_adopted": 4, "days_ours": 0, "totals_kept": 1, "totals_ours": 0, "duplicates": 0, "foreign": 0}
    assert said == {"account": "home", "dry_run": True, "uncovered": 0, **counts}
    done = adopt()
    assert {**done, "dry_run": True}.items() >= said.items()
    assert (done["changes"]["days"][0], done["removed"], left(couchdb)) == (str(FIRST), 5, [])
    before = revisions(couchdb)
    again = adopt()
    assert (revisions(couchdb), again["removed"], again["days_adopted"]) == (before, 0, 0)


def test_forms_and_documents_that_are_refused_change_nothing(couchdb: CouchDBHook) -> None:
    leaving = with_leaving({}, by="someone", since=datetime.now(UTC))
    others = (account("new", oauth_callback_results={}), account("other", account_type="enedis"))
    couchdb.write(ACCOUNT, [*others, account("going", **leaving)])
    couchdb.write(DAY, [theirs("odd", FIRST, 5) | {"load": None}])
    before = revisions(couchdb)
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
    assert revisions(couchdb) == before


def deletion(account_id: str, at: datetime) -> dict[str, Any]:
    order = DeletionOrder(run="r", started="", asked_by="me", keep_data=False)
    return begin_deletion(open_record(account_id, []), order, at)


def test_figures_of_another_household_that_is_here_or_has_left_stay(couchdb: CouchDBHook) -> None:
    """An unknown one may be its own: who connects here anew has another account than in its Cozy."""
    couchdb.write(ACCOUNT, [account("neighbour", oauth_callback_results={"consents": [{"pce": PCE}]})])
    couchdb.write(AUDIT, [deletion("departed", datetime(2024, 3, 1, tzinfo=UTC))])
    for day, source in enumerate(("neighbour", "departed", "in-its-cozy", ""), 1):
        couchdb.write(DAY, [theirs(f"of-{source}", date(2024, 1, day), day, source)])
    done = adopt()
    assert (done["foreign"], done["days_adopted"], done["removed"]) == (2, 2, 2)
    assert left(couchdb) == ["of-departed", "of-neighbour"]
    assert adopt("neighbour")["days_adopted"] == 1
    loads = {each["_id"]: each["load"] for each in couchdb.scan(DAY) if ":" in each["_id"]}
    assert loads == {f"home:{PCE}:2024-01-03": 3, f"home:{PCE}:2024-01-04": 4, f"neighbour:{PCE}:2024-01-01": 1}


def test_of_a_household_that_leaves_meanwhile_nothing_is_adopted(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    couchdb.write(DAY, [theirs("d", FIRST, 40)])
    write = CouchDBHook.write

    def then_leave(self: CouchDBHook, doctype: str, documents: Any) -> Any:
        done, now = write(self, doctype, documents), datetime.now(UTC)
        self.put(AUDIT, deletion("home", now))
        self.put(ACCOUNT, with_leaving(self.get(ACCOUNT, "home") or {}, by="me", since=now))
        return done

    monkeypatch.setattr(CouchDBHook, "write", then_leave)
    with pytest.raises(AccountLeaving):
        adopt()
    assert left(couchdb) == [each["_id"] for each in couchdb.scan(DAY)] == ["d"]
