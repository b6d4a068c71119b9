"""What is removed, what the record keeps, and what happens if a household comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.stores.household_links import link_document
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Situation, overview
from include.gas.documents.doctypes import AUDIT, CONNECT, DATABASES, DAY, MONTH, YEAR, database
from include.gas.documents.gas_days import dag_id, database_name
from include.gas.health.verdict import Finding, judge
from tests.helpers import connect_code, connect_cozy, holder, stored
from tests.leaving.household import (
    ACTIVE,
    REVOKED,
    Couch,
    assert_gone,
    fill,
    household,
    revocations,
    rights,
    stage,
    staging_folder,
)
from tests.leaving.steps import FORM, delete, deletion_context, operators

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker


def test_nothing_is_left_and_the_record_proves_it(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces = household(clean, account_id, 2, days=40)
    neighbours = [f"{account_id}0", f"{account_id}-x", account_id[:-1]]
    for name in neighbours:  # ids that sort beside it
        fill(clean, name, ("GI000001",))
        stage(name, "GI000001")
    delete(account_id, by="Camille Admin")
    (record,) = couch.records(account_id)
    assert record["asked_by"] == "Camille Admin"
    assert record["run"] == "run-1"
    assert record["removed"] == {DAY: 80, MONTH: 2, YEAR: 2, "staged": 1, "io.cozy.accounts": 1}
    (why,) = record["airflow_history"]["kept"].values()
    assert "[grdf] airflow_conn_id is not set" in why
    for name in neighbours:
        assert len(couch.mentions(f"{name}:")) == 3, "a neighbour keeps its days, months and years"
        assert staging_folder(name).exists()
        for doctype in (DAY, MONTH, YEAR):
            database = doctype.replace(".", "-")
            for doc in couch.documents(database):
                if doc.get("account") == name:
                    couch.http.delete(f"{couch.url}/{database}/{doc['_id']}?rev={doc['_rev']}", timeout=30)
        (staging_folder(name) / next(staging_folder(name).iterdir()).name).unlink()
    assert_gone(clean, account_id, pces)


def test_only_the_record_of_the_deletion_names_the_account_afterwards(
    clean: LocalWorld, account_id: str, couch: Couch
) -> None:
    pces = household(clean, account_id)
    for doctype in (each.doctype for each in DATABASES if each.indexes):
        name = database_name(doctype)
        couch.put(name, {"_id": f"{account_id}:{pces[0]}:9999", "account": account_id})
    couch.put(database_name(CONNECT), {"_id": link_document(account_id)})
    delete(account_id)
    assert couch.mentions(account_id, *pces).keys() == {database_name(AUDIT)}
    assert link_document(account_id) not in {doc["_id"] for doc in couch.documents(database_name(CONNECT))}


def test_the_files_of_indexes_are_compacted_once_they_are_up_to_date(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name meters until then, and CouchDB leaves small ones as they are (3.5.2)."""
    from grdf.hooks.couchdb import CouchDBHook

    household(clean, account_id)
    CouchDBHook().create_database(DAY)
    seen, ask = list[str](), CouchDBHook.request

    def listen(hook: CouchDBHook, method: str, doctype: str, path: str, **more: Any) -> Any:
        seen.append(path if doctype == DAY else "")
        return ask(hook, method, doctype, path, **more)

    monkeypatch.setattr(CouchDBHook, "request", listen)
    delete(account_id)
    compacted = [path for path in seen if path.startswith("/_compact/")]
    assert len(compacted) == len(set(compacted)) == len(database(DAY).indexes)
    assert seen.count("/_find") == len(compacted)
    assert seen.index("/_purge") < seen.index("/_find") < seen.index(compacted[0])


def test_more_documents_than_a_page(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    from tests.helpers import known_account

    pces = known_account(clean, account_id)
    docs = [{"_id": f"{account_id}:{pces[0]}:x{number:05}", "account": account_id} for number in range(2101)]
    couch.http.put(f"{couch.url}/{database_name(DAY)}", timeout=30)
    couch.http.post(f"{couch.url}/{database_name(DAY)}/_bulk_docs", json={"docs": docs}, timeout=60)
    assert f"* 2101 documents of {DAY}" in delete(account_id, steps=("check",))["check"]["text"]
    delete(account_id)
    assert assert_gone(clean, account_id, pces)["removed"][DAY] == 2101


def test_running_tasks_end_first(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    at_work = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, running=[1])
    with pytest.raises(AirflowRescheduleException):
        operators(account_id)["revoke"].execute(at_work)
    assert clean.book.get(account_id), "nothing was removed"
    assert set(rights(clean, pces).values()) == {ACTIVE}
    delete(account_id, running=[1])
    assert_gone(clean, account_id, pces)


@pytest.mark.parametrize("connect", [connect_cozy, connect_code])
def test_an_account_that_was_never_launched(clean: LocalWorld, account_id: str, connect: object) -> None:
    assert callable(connect)
    pces = connect(clean, account_id, 2)
    delete(account_id)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert len(assert_gone(clean, account_id, pces)["revoked"]) == 2


def test_an_id_token_that_has_expired(clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]) -> None:
    clean.control.set(id_token_lifetime_s=-7200)
    pces = connect_cozy(clean, account_id)
    delete(account_id)
    logged = "".join(capfd.readouterr())
    assert "its consents cannot be found, and only the household can end them" in logged
    assert account_id in logged
    assert assert_gone(clean, account_id, pces)["revoked"] == []
    assert set(rights(clean, pces).values()) == {ACTIVE}


def test_our_own_wrong_credentials_do_not_lose_the_consents(clean: LocalWorld, account_id: str) -> None:
    """A code that cannot be exchanged because of an error here is not discarded with the account."""
    from include.gas.errors import CredentialsRefused

    pces = connect_code(clean, account_id)
    clean.control.fault("/access_token", status=401, body={"error": "invalid_client"}, times=None)
    with pytest.raises(CredentialsRefused):
        delete(account_id)
    assert clean.book.get(account_id)
    clean.control.set(faults=[])
    delete(account_id, run_id="run-2")
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert_gone(clean, account_id, pces)


def test_a_document_that_cannot_be_understood_is_removed(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = household(clean, account_id)
    clean.book.save((clean.book.get(account_id) or {}) | {"oauth_callback_results": "odd"})
    delete(account_id)
    assert "consents cannot be found" in "".join(capfd.readouterr())
    assert_gone(clean, account_id, pces)


class TestKeepingTheData:
    def test_only_revokes(self, clean: LocalWorld, account_id: str, couch: Couch) -> None:
        pces = household(clean, account_id)
        before = couch.mentions(account_id)
        delete(account_id, form={"keep_data": True})
        assert couch.mentions(account_id, but=("com-grandlyon-grdf-audit",)) == before
        assert staging_folder(account_id).exists()
        assert set(rights(clean, pces).values()) == {REVOKED}
        document = clean.book.get(account_id) or {}
        assert "leaving" not in document
        assert document["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
        assert "its data were kept" in document["state_message"]
        assert document["state_since"]
        (record,) = couch.records(account_id)
        assert record["keep_data"] is True
        assert record["removed"] == {}
        assert record["finished_at"]
        assert dag_id(account_id)

    def test_then_scheduled_runs_are_skipped_and_it_can_connect_again(
        self, clean: LocalWorld, account_id: str, couchdb: CouchDBHook, dags: Worker
    ) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        from tests.leaving.runs import acquire

        pces = household(clean, account_id)
        delete(account_id, form={"keep_data": True})
        clean.control.clear_log()
        with pytest.raises(AirflowSkipException, match="revoked at its request"):
            acquire(account_id)
        assert clean.control.log() == []
        before = stored(couchdb, account_id, pces[0])
        document = clean.book.get(account_id) or {}
        connect_cozy(clean, "elsewhere-" + account_id.rpartition("-")[2])  # the same holder consents again, for Cozy
        fresh = clean.book.get("elsewhere-" + account_id.rpartition("-")[2]) or {}
        document["oauth"] = fresh["oauth"]
        document["oauth_callback_results"] |= fresh["oauth_callback_results"]
        clean.book.save(document)
        run = dags.run(account_id)
        assert run.state == "success", run.output
        assert not (clean.book.get(account_id) or {}).get("state")
        assert before.items() <= stored(couchdb, account_id, pces[0]).items() | before.items()
        assert holder(account_id).pces == pces

    @pytest.mark.usefixtures("shelf")
    @pytest.mark.parametrize("over", [False, True], ids=["in force", "over by then"])
    def test_it_rests_with_a_message_that_stays(self, clean: LocalWorld, account_id: str, *, over: bool) -> None:
        """Nobody has to write to a household that has asked for it, neither at once nor the next morning."""
        from tests.leaving.runs import check

        def told() -> tuple[str, Situation | None, tuple[Finding, ...]]:
            seen = overview(clean.book.get(account_id) or {})
            return seen.message, seen.pressing(today), judge([seen], [], datetime.now(UTC)).findings

        pces = household(clean, account_id)
        today = paris_today(datetime.now(UTC))
        if over:
            clean.control.revoke(*rights(clean, pces))
            check()
            assert told()[1] is Situation.CONNECT
        delete(account_id, form={"keep_data": True})
        message, *rest = told()
        assert "at its request" in message
        assert "let it connect again" in message
        assert rest == [Situation.OVER, ()]
        check()
        assert told() == (message, *rest)

    def test_a_deletion_in_full_may_follow(self, clean: LocalWorld, account_id: str) -> None:
        pces = household(clean, account_id)
        delete(account_id, form={"keep_data": True}, steps=("check", "mark", "revoke"))  # and then it was killed
        delete(account_id, run_id="run-2", by="another")
        record = assert_gone(clean, account_id, pces)
        assert record["keep_data"] is False, "the record says what was done in the end"
        assert (record["run"], record["asked_by"]) == ("run-2", "another")
        assert len(revocations(clean)) == 1
