"""What is removed and by whom, what stays, and what is kept of a household that only wants its consents ended."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf import couchdb_setup, settings
from grdf.hooks.couchdb import CouchDBHook
from grdf.staging.staged_answers import Staging
from grdf.stores.database_files import DatabaseFiles
from grdf.stores.household_links import link_document
from grdf.stores.removal import Remover
from include.gas.days.gas_day import paris_today
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import (
    ACCOUNT,
    CITY,
    CONNECT,
    CONSENT_RECORD,
    DATA,
    DATABASES,
    DAY,
    MONTH,
    PUBLISHED,
    YEAR,
    database,
)
from include.gas.errors import BadAccount, BadRequest, BadSettings, StoreBusy
from include.gas.health.verdict import reach_verdict
from include.gas.proof.proof_file import check_proof_file
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, yesterday
from tests.leaving.household import (
    AUDIT_DATABASE,
    REVOKED,
    Couch,
    assert_gone,
    household,
    rights,
    stage,
    staging_folder,
)
from tests.leaving.runs import acquire, check, extract, load
from tests.leaving.steps import delete
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.scene import document, other_of

FORMER = {DAY: "2024-02-29", PUBLISHED: "2025-12-01", MONTH: "2024-01", YEAR: "2024"}
NUMBERS = {"load": 5, "year": 2024, "month": 2, "day": 1}

pytestmark = pytest.mark.usefixtures("couch", "shelf")


def changes(couch: Couch, doctype: str) -> list[str]:
    answer = couch.http.get(f"{couch.address(doctype)}/_changes", timeout=30)
    return [each["id"] for each in answer.json()["results"]]


def konnector(doc_id: str, account: str) -> dict[str, Any]:
    return {"_id": doc_id, **NUMBERS, "price": 3.5, "cozyMetadata": {"sourceAccount": account}}


def test_all_goes_and_the_record_proves_it(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces, other, beside = household(clean, account_id, 2, days=60), other_of(account_id), f"{account_id}0"
    Staging(settings.staging_url()).proofs(account_id).put(check_proof_file(GOOD["image/png"]))
    couch.put(CONNECT, {"_id": link_document(account_id)})
    couch.put(DAY, *(konnector(f"{first}-{account_id}", account_id) for first in ("0f0", "b", "zzz")))
    couch.put(MONTH, konnector(f"~{account_id}", account_id))
    couch.put(PUBLISHED, {"_id": f"note:{account_id}", "account": account_id})
    for doctype in (each.doctype for each in DATABASES if each.indexes):
        couch.put(doctype, {"_id": f"{account_id}:{pces[0]}:9999", "account": account_id})
    assert FORMER.keys() == set(DATA) - {CONSENT_RECORD, CITY}, "every database with meter numbers in its ids"
    for doctype, period in FORMER.items():
        former = [f"{name}:{pces[1]}:{period}" for name in (account_id, beside)]
        couch.put(doctype, *({"_id": key} for key in former))
        couch.drop(doctype, *former)
    stay = {
        DAY: [
            konnector(f"{account_id}-theirs", other),
            {"_id": f"0-{account_id}", "account": other, "cozyMetadata": {"sourceAccount": account_id}},
        ],
        MONTH: [{"_id": f"zz-{account_id}", **NUMBERS}],
        YEAR: [{"_id": f"{name}:GI1:2025", "account": name} for name in (beside, account_id[:-1])],
    }
    for doctype, docs in stay.items():
        couch.put(doctype, *docs)
    stage(beside, "GI000001")
    before = couch.revisions()
    text = delete(account_id, steps=("check",), form={"dry_run": True})["check"]["text"]
    for part in ("* 121 documents of com.grandlyon.grdf.day", "* 2 staged files", "tokens", "that name it"):
        assert part in text
    assert couch.revisions() == before
    delete(account_id, by="Camille Admin")
    for doctype, docs in stay.items():
        ids = {doc["_id"] for doc in docs}
        assert ids <= {doc["_id"] for doc in couch.documents(doctype)}
        couch.drop(doctype, *ids)
    for doctype, period in FORMER.items():
        known = changes(couch, doctype)
        assert f"{beside}:{pces[1]}:{period}" in known
        assert [each for each in known if each.startswith(f"{account_id}:")] == []
    assert [*staging_folder(beside).iterdir()]
    assert link_document(account_id) not in {doc["_id"] for doc in couch.documents(CONNECT)}
    record = assert_gone(clean, account_id, pces)
    assert record["removed"] == {
        DAY: 120 + 1 + 3, MONTH: 2 + 1 + 1, YEAR: 2 + 1, PUBLISHED: 1 + 1, "staged": 2, "io.cozy.accounts": 1,
    }  # fmt: skip
    assert record["asked_by"] == "Camille Admin"
    (why,) = record["airflow_history"]["kept"].values()
    assert "airflow_conn_id" in why


def test_the_files_of_indexes_are_compacted_once_they_are_up_to_date(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name meters until then, and CouchDB leaves small ones as they are (3.5.2)."""
    household(clean, account_id)
    CouchDBHook().create_database(DAY)
    seen, ask = list[str](), CouchDBHook.request

    def listen(hook: CouchDBHook, method: str, doctype: str, path: str, **more: Any) -> Any:
        seen.append(path if doctype == DAY else "")
        return ask(hook, method, doctype, path, **more)

    monkeypatch.setattr(CouchDBHook, "request", listen)
    delete(account_id)
    compacted = [path for path in seen if path.startswith("/_compact/")]
    assert len(compacted) == len(set(compacted)) == len(database(DAY).indexes) == seen.count("/_find")
    assert seen.index("/_purge") < seen.index("/_find") < seen.index(compacted[0])


def test_a_document_that_is_written_meanwhile_stays(couch: Couch, couchdb: CouchDBHook, account_id: str) -> None:
    fill_days = [{"_id": f"{account_id}:p:{number:05}"} for number in range(101)]
    couch.put(DAY, *fill_days)
    remover = Remover(couchdb)
    rows = remover.revisions(DAY, *account_range(account_id))
    (last,) = [doc for doc in couch.documents(DAY) if doc["_id"] == f"{account_id}:p:00100"]
    couch.put(DAY, last | {"load": 1})
    assert remover.remove_revisions(DAY, rows) == 100
    assert [each for each in changes(couch, DAY) if account_id in each] == [last["_id"]]
    assert remover.remove_range(DAY, *account_range(account_id)) == 1
    couch.http.delete(couch.address(PUBLISHED), timeout=30)
    assert remover.remove_range(PUBLISHED, *account_range(account_id)) == 0, "there is no such database"
    DatabaseFiles(couchdb).compact(PUBLISHED)


def test_what_comes_while_the_rest_is_removed_is_removed_by_the_next_try(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces, remove = household(clean, account_id), Remover.remove

    def remove_after_a_late_load(self: Remover, doctype: str, doc_id: str) -> int:
        if doctype == ACCOUNT:
            couch.put(DAY, {"_id": f"{account_id}:{pces[0]}:2026-01-01"})
        return remove(self, doctype, doc_id)

    with monkeypatch.context() as patch:
        patch.setattr(Remover, "remove", remove_after_a_late_load)
        with pytest.raises(StoreBusy, match=account_id):
            delete(account_id)
    assert [record["finished_at"] for record in couch.records(account_id)] == [None]
    delete(account_id, steps=("purge",))
    assert_gone(clean, account_id, pces)


def test_what_is_no_account_of_ours(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    clean.book.save({"_id": account_id, "account_type": "enedisgrandlyon", "oauth": {"access_token": "theirs"}})
    before = couch.revisions()
    why = r"there is no such account|cannot be a document id|type grdfgrandlyon"
    for odd in ("", " ", "a b", "../x", "é", "x" * 129, "a\n", "_all_docs", "_design", "not-here", account_id):
        with pytest.raises((BadAccount, BadRequest), match=why):
            delete(odd)
    assert couch.revisions() == before


def test_a_member_does_everything_but_purge(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"])
    member = {"login": f"member-{secrets.token_hex(4)}", "password": "member-password"}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB_ADMIN", json.dumps(given))
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(given | member))
    assert couchdb_setup.main(["setup"]) == 0
    pces, day = household(clean, account_id, 1, days=20), yesterday(clean)
    load(account_id, extract(account_id, day), day)
    late = next(doc["_id"] for doc in couch.documents(DAY) if doc["_id"].startswith(account_id))
    with monkeypatch.context() as patch:
        patch.delenv("AIRFLOW_CONN_COUCHDB_ADMIN")
        before = couch.revisions()
        for form in ({}, {"dry_run": True}):
            with pytest.raises(BadSettings, match=r"couchdb is not a CouchDB server administrator.*couchdb_admin"):
                delete(account_id, form=form)
        assert couch.revisions() == before
        assert Remover(CouchDBHook()).remove(DAY, late) == 1, "what a late load stored goes as a member may"
        assert late in changes(couch, DAY)
    delete(account_id)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert_gone(clean, account_id, pces)
    assert [each for each in changes(couch, DAY) if each.startswith(account_id)] == []


@pytest.mark.parametrize("over", [False, True], ids=["in force", "over by then"])
def test_who_keeps_the_data_rests_until_it_connects_again(
    clean: LocalWorld, account_id: str, couch: Couch, *, over: bool
) -> None:
    def summarize() -> tuple[str, Situation | None, tuple[Any, ...]]:
        seen = summarize_account(document(clean, account_id))
        return seen.message, seen.urgent_situation(paris_today(now)), reach_verdict([seen], [], now).findings

    pces, now = household(clean, account_id), datetime.now(UTC)
    if over:
        clean.control.revoke(*rights(clean, pces))
        check()
        assert summarize()[1] is Situation.CONNECT
    before = couch.mentions(account_id)
    form = {"keep_data": True}
    text = delete(account_id, steps=("check",), form=form | {"dry_run": True})["check"]["text"]
    assert "Nothing is removed" in text
    assert "documents of" not in text
    delete(account_id, form=form)
    assert couch.mentions(account_id, but=(AUDIT_DATABASE,)) == before
    assert staging_folder(account_id).exists()
    assert set(rights(clean, pces).values()) == {REVOKED}
    (record,) = couch.records(account_id)
    assert (record["keep_data"], record["removed"], bool(record["finished_at"])) == (True, {}, True)
    kept = document(clean, account_id)
    assert (kept["state"], "leaving" in kept) == ("USER_ACTION_NEEDED.OAUTH_OUTDATED", False)
    message, *rest = summarize()
    assert "at its request" in message
    assert rest == [Situation.OVER, ()]
    check()
    assert summarize() == (message, *rest)
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match="at its request"):
        acquire(account_id)
    assert clean.control.log() == []
    connect_cozy(clean, account_id, conso_debut=str(yesterday(clean) - timedelta(days=9)))
    given = document(clean, account_id)
    clean.book.save(kept | {key: given[key] for key in ("_rev", "oauth", "oauth_callback_results")})
    couch.put(AUDIT_DATABASE, record | {"finished_at": None})
    delete(account_id, steps=("purge",), form=form)  # another try, since the former was killed before its last note
    assert acquire(account_id)["first_launch"] is True
    assert extract(account_id, yesterday(clean))["answers"] == 1
    assert not document(clean, account_id).get("state")
