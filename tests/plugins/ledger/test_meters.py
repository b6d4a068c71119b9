"""The meters' documents are changed against their revision: whoever is second at the write sees the first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger, asking
from include.gas.documents.doctypes import METER
from include.gas.errors import BadAccount, StoreBusy
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import Taken, brought, ended, left
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account, lose
from tests.leaving.runs import check

PCE = "09900000000017"
UNREADABLE = {"rights": [{"client": "grdf_adict", "way": "by pigeon", "state": "active", "since": "x"}]}


@pytest.fixture
def ledger(own_databases: CouchDBHook) -> Ledger:
    own_databases.create_database(METER)
    return Ledger(own_databases)


def bring(account: str, right: str = "", *, shared: bool = False) -> Callable[[Meter], Meter]:
    who = replace(asking(account, "grdf_adict"), shared=shared)
    return partial(brought, who=who, right_id=right or account, way="adopted", chosen=True)


def at_once(jobs: list[Callable[[], object]]) -> list[object]:
    """Run jobs in threads that begin together. Return what each returns or raises."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        barrier.wait(timeout=60)
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - the result of a job
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_one_without_a_document_has_no_rights_and_what_changes_nothing_is_not_written(ledger: Ledger) -> None:
    assert ledger.apply(PCE, partial(left, account="a")) == Meter(pce=PCE)
    assert ledger.fetch([PCE]) == {PCE: Meter(pce=PCE)}
    assert [*ledger.every()] == []
    stored = ledger.apply(PCE, bring("a"))
    assert ledger.fetch([PCE]) == {PCE: stored}
    assert ledger.apply(PCE, bring("a")) == stored, "revision and all"
    assert ledger.of_account("a") == [stored]
    assert ledger.of_account("b") == []


def test_only_its_own_unreadable_meter_stops_an_account(ledger: Ledger, own_databases: CouchDBHook) -> None:
    stored = ledger.apply(PCE, bring("a"))
    (odd,) = UNREADABLE["rights"]
    own_databases.write(METER, [{"_id": "09900000000034", "rights": [odd | {"account": "b"}]}])
    assert ledger.of_account("a") == [stored]
    with pytest.raises(BadAccount):
        ledger.of_account("b")


def test_who_refuses_writes_nothing(ledger: Ledger) -> None:
    before = ledger.apply(PCE, bring("a"))
    with pytest.raises(Taken):
        ledger.apply(PCE, bring("b"))
    assert ledger.fetch([PCE])[PCE] == before


def test_what_two_writers_do_at_once_is_both_there(ledger: Ledger) -> None:
    ledger.apply(PCE, bring("a", "u-0", shared=True))
    names = [f"u-{number}" for number in range(1, 9)]
    outcomes = at_once([partial(ledger.apply, PCE, bring(name, shared=True)) for name in names])
    assert all(isinstance(outcome, Meter) for outcome in outcomes), outcomes
    assert sorted(right.id for right in ledger.fetch([PCE])[PCE].rights) == ["u-0", *names]


@pytest.mark.parametrize("before", [False, True])
def test_of_two_accounts_that_want_a_meter_at_once_one_has_it(ledger: Ledger, before: bool) -> None:
    for number in range(12):
        pce = f"{9_900_000_000_100 + number:014d}"
        if before:  # its document is there, and the right in it is over
            ledger.apply(pce, bring("former"))
            ledger.apply(pce, partial(ended, right_id="former", today=asking("a", "x").today))
        outcomes = at_once([partial(ledger.apply, pce, bring(account)) for account in ("a", "b")])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Meter", "Taken"], outcomes
        assert len([each for each in ledger.fetch([pce])[pce].rights if each.account != "former"]) == 1


def test_one_that_others_change_without_end_is_tried_again_later(
    ledger: Ledger, own_databases: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.stores.compare_and_swap.TRIES", 3)
    tries: list[int] = []

    def event(meter: Meter) -> Meter:
        tries.append(len(tries))
        Ledger(own_databases).apply(PCE, bring("somebody", f"u-{len(tries)}", shared=True))
        return bring("a", shared=True)(meter)

    with pytest.raises(StoreBusy, match="3 times"):
        ledger.apply(PCE, event)
    assert tries == [0, 1, 2]


def test_one_that_cannot_be_read_stops_none_of_the_others(
    ledger: Ledger, own_databases: CouchDBHook, caplog: pytest.LogCaptureFixture
) -> None:
    own_databases.put(METER, {"_id": "09900000000016", **UNREADABLE})
    stored = ledger.apply(PCE, bring("a"))
    assert [*ledger.every()] == [stored]
    assert "com-grandlyon-grdf-meter" in caplog.text
    assert "Compare its document with docs/documents.md" in caplog.text
    assert "09900000000016" not in caplog.text
    for use in (lambda: ledger.fetch(["09900000000016"]), lambda: ledger.apply("09900000000016", bring("a"))):
        with pytest.raises(BadAccount):
            use()
    assert (own_databases.get(METER, "09900000000016") or {})["rights"] == UNREADABLE["rights"]


def test_the_morning_s_check_leaves_its_account_alone_and_judges_the_others(clean: LocalWorld, account_id: str) -> None:
    other = f"other-{870_000 + int(account_id.rpartition('-')[2])}"
    (odd,), (lost,) = known_account(clean, account_id), known_account(clean, other)
    couchdb = CouchDBHook()
    couchdb.put(METER, {**(couchdb.get(METER, odd) or {}), **UNREADABLE})
    before = clean.book.get(account_id)
    lose(clean, lost)
    assert check()["odd"] == 1
    assert clean.book.get(account_id) == before, "nobody is asked to consent again because a document is damaged"
    assert (clean.book.get(other) or {})["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
