"""The meters' documents are changed against their revision; a refusal of GRDF is a question to its list of rights."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from threading import Barrier

import pytest

from grdf.airflow.retries import SOON
from grdf.airflow.tasks.run import Run
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.refusal_checks import confirm_refusals, is_last_attempt
from grdf.ledger.rights_ledger import Ledger, claimant_now
from include.gas.documents.doctypes import METER
from include.gas.errors import (
    BadAccount,
    GasError,
    RefusalDoubted,
    RightLost,
    RightTooNarrow,
    ServiceUnavailable,
    StoreBusy,
)
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import OwnedByAnother, assign_right, remove_rights
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, context, known_account, lose
from tests.leaving.runs import check

TODAY = date(2026, 5, 20)
PCE, ODD = "09900000000017", "09900000000034"
UNREADABLE = {"rights": [{"client": "grdf_adict", "way": "by pigeon", "state": "active", "since": "x", "account": "b"}]}


@pytest.fixture
def ledger(own_databases: CouchDBHook) -> Ledger:
    own_databases.create_database(METER)
    return Ledger(own_databases)


def bring(account: str, right: str = "", *, shared: bool = False) -> Callable[[Meter], Meter]:
    who = replace(claimant_now(account, "grdf_adict"), shared=shared)
    return partial(assign_right, who=who, right_id=right or account, way="adopted", chosen=True)


def test_what_changes_nothing_or_is_refused_is_not_written(ledger: Ledger) -> None:
    assert ledger.apply(PCE, partial(remove_rights, account="a", today=TODAY)) == Meter(pce=PCE)
    assert ledger.fetch_meters([PCE]) == {PCE: Meter(pce=PCE)}
    assert [*ledger.all_meters()] == []
    stored = ledger.apply(PCE, bring("a"))
    assert ledger.apply(PCE, bring("a")) == stored, "revision and all"
    with pytest.raises(OwnedByAnother):
        ledger.apply(PCE, bring("b"))
    assert ledger.fetch_meters([PCE]) == {PCE: stored}
    assert (ledger.meters_of_account("a"), ledger.meters_of_account("b")) == ([stored], [])


def test_what_several_writers_do_at_once_is_all_there(ledger: Ledger) -> None:
    names = [f"u-{number}" for number in range(8)]
    barrier = Barrier(len(names))

    def write(name: str) -> Meter:
        barrier.wait(timeout=60)
        return ledger.apply(PCE, bring(name, shared=True))

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(write, names))
    assert sorted(right.id for right in ledger.fetch_meters([PCE])[PCE].rights) == names


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


def test_one_that_cannot_be_read_stops_its_own_account_alone(
    ledger: Ledger, own_databases: CouchDBHook, caplog: pytest.LogCaptureFixture
) -> None:
    own_databases.put(METER, {"_id": ODD, **UNREADABLE})
    stored = ledger.apply(PCE, bring("a"))
    assert [*ledger.all_meters()] == ledger.meters_of_account("a") == [stored]
    assert "com-grandlyon-grdf-meter" in caplog.text
    assert "docs/documents.md" in caplog.text
    assert ODD not in caplog.text
    for use in (
        lambda: ledger.fetch_meters([ODD]),
        lambda: ledger.apply(ODD, bring("a")),
        lambda: ledger.meters_of_account("b"),
    ):
        with pytest.raises(BadAccount):
            use()
    assert (own_databases.get(METER, ODD) or {})["rights"] == UNREADABLE["rights"]


def test_the_morning_s_check_leaves_such_an_account_alone_and_judges_the_others(
    clean: LocalWorld, account_id: str
) -> None:
    other = f"other-{870_000 + int(account_id.rpartition('-')[2])}"
    (odd,), (lost,) = known_account(clean, account_id), known_account(clean, other)
    couchdb = CouchDBHook()
    couchdb.put(METER, {**(couchdb.get(METER, odd) or {}), **UNREADABLE})
    before = clean.book.get(account_id)
    lose(clean, lost)
    assert check()["odd"] == 1
    assert clean.book.get(account_id) == before, "no household is asked to consent again because a document is damaged"
    assert (clean.book.get(other) or {})["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def refusal(kind: type[GasError], account: str) -> GasError:
    return kind.about(account, "GRDF refuses it", "Do something.")


@pytest.mark.parametrize("kind", [RightLost, RightTooNarrow])
def test_a_refusal_is_believed_as_far_as_grdf_s_list_agrees(
    clean: LocalWorld, account_id: str, kind: type[GasError]
) -> None:
    (pce,) = known_account(clean, account_id)

    def weighed(*kinds: type[GasError]) -> list[GasError]:
        problems = [refusal(each, account_id) for each in kinds]
        return confirm_refusals(problems, Ledger(CouchDBHook()), adict_hook(), account_id, pce)

    clean.control.clear_log()
    assert [type(each) for each in weighed(ServiceUnavailable)] == [ServiceUnavailable]
    assert clean.control.log() == [], "what is no refusal needs no question"
    doubted, other = weighed(kind, ServiceUnavailable)
    assert (type(doubted), type(other)) == (RefusalDoubted, ServiceUnavailable)
    assert "list says that the consent is active" in str(doubted)
    assert pce not in str(doubted)
    clean.control.fault("droits_acces", status=503)
    assert [type(each) for each in weighed(kind)] == [RefusalDoubted], "without a list none is believed"
    lose(clean, pce)
    assert [type(each) for each in weighed(kind)] == [kind]
    (right,) = Ledger(CouchDBHook()).fetch_meters([pce])[pce].rights
    assert right.state == "ended"


def test_a_doubt_is_left_to_the_next_run_earlier_than_an_outage() -> None:
    for kind, over in ((RefusalDoubted, [False, True, True]), (ServiceUnavailable, [False, False, True])):
        runs = (Run.from_context(context(try_number=number, max_tries=SOON + 1)) for number in (1, SOON, SOON + 2))  # type: ignore[arg-type]
        assert [is_last_attempt(run, refusal(kind, "home")) for run in runs] == over
