"""A load that is running while its household is deleted, and two deletions at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY
from include.gas.errors import AccountLeaving, BadAccount, BadRequest
from tests.helpers import connect_code, known_account, stored, yesterday
from tests.leaving.household import (
    REVOKED,
    Couch,
    assert_gone,
    fill,
    household,
    revocations,
    rights,
    staging_folder,
)
from tests.leaving.runs import acquire, extract, load
from tests.leaving.steps import delete
from tests.runs.proxy import Proxy, through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

DAYS = "/com-grandlyon-grdf-day/_bulk_docs"
ACCOUNTS = "io-cozy-accounts"
TOTALS = "/com-grandlyon-grdf-year/_bulk_docs"


class Pause:
    """Delays the first matching request before CouchDB gets it."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, _number: int, line: str) -> bool:
        if line.endswith(self.what) and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(60)
        return False


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as running:
        yield running


def staged(world: LocalWorld, account: str) -> tuple[dict[str, Any], date]:
    day = yesterday(world)
    return extract(account, day), day


@pytest.mark.parametrize("held", [DAYS, TOTALS])
def test_a_load_that_airflow_has_lost_sight_of(
    clean: LocalWorld, account_id: str, forks: Worker, pool: ThreadPoolExecutor, held: str
) -> None:
    """The load has passed its checks, is delayed, and writes after the deletion has ended. None of it stays."""
    pces = known_account(clean, account_id, history=False, conso_debut=str(yesterday(clean) - timedelta(days=70)))
    reference, day = staged(clean, account_id)
    pause = Pause(held)
    with Proxy(clean.couch.url, pause, lambda: None).running() as proxy:
        loading = pool.submit(
            forks.ask,
            "run_step",
            through(clean, proxy),
            step="load",
            run_type="scheduled",
            account=account_id,
            staged=reference,
            day=str(day),
        )
        assert pause.reached.wait(60)
        delete(account_id)
        pause.go_on.set()
        answer = loading.result(300)
    assert "there is no such account" in answer["error"]
    assert assert_gone(clean, account_id, pces)["removed"]["io.cozy.accounts"] == 1


def test_a_load_that_says_nothing_new_of_the_account_sees_that_the_household_leaves(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has stored a day once more, which changes nothing of what the account says is stored."""
    from grdf.operators import load as loading

    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(yesterday(clean) - timedelta(days=70)))

    def correct(energy: int) -> tuple[dict[str, Any], date]:
        clean.control.correct(pce, yesterday(clean) - timedelta(days=20), energy)
        return staged(clean, account_id)

    for energy in (101, 102):
        load(account_id, *correct(energy))
    store = loading.store_answer

    def leave(*given: Any) -> Any:
        loaded = store(*given)
        delete(account_id, steps=("check", "mark"))
        return loaded

    monkeypatch.setattr(loading, "store_answer", leave)
    with pytest.raises(AccountLeaving):
        load(account_id, *correct(103))


def test_a_load_that_begins_after_the_mark_stores_nothing(clean: LocalWorld, account_id: str, forks: Worker) -> None:
    pces = known_account(clean, account_id, history=False, conso_debut=str(yesterday(clean) - timedelta(days=70)))
    reference, day = staged(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    answer = forks.ask(
        "run_step", step="load", run_type="scheduled", account=account_id, staged=reference, day=str(day)
    )
    assert "AccountLeaving" in answer["error"]
    assert "it is leaving (asked by someone)" in answer["error"]
    assert Couch(clean).mentions(f"{account_id}:{pces[0]}") == {}
    assert list(staging_folder(account_id).iterdir()) == []
    delete(account_id)
    assert_gone(clean, account_id, pces)


def test_a_load_under_way_does_not_remove_what_the_household_keeps(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, forks: Worker, pool: ThreadPoolExecutor
) -> None:
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(yesterday(clean) - timedelta(days=70)))
    reference, day = staged(clean, account_id)
    pause = Pause(DAYS)
    with Proxy(clean.couch.url, pause, lambda: None).running() as proxy:
        loading = pool.submit(
            forks.ask,
            "run_step",
            through(clean, proxy),
            step="load",
            run_type="scheduled",
            account=account_id,
            staged=reference,
            day=str(day),
        )
        assert pause.reached.wait(60)
        delete(account_id, form={"keep_data": True}, steps=("check", "mark", "revoke"))
        pause.go_on.set()
        answer = loading.result(300)
    assert "AccountLeaving" in answer["error"]
    assert len(stored(couchdb, account_id, pce)) > 60
    delete(account_id, form={"keep_data": True}, steps=("purge",))
    assert len(stored(couchdb, account_id, pce)) > 60


@pytest.mark.parametrize("lost", ["database", "document"])
def test_a_load_whose_account_is_lost_without_a_deletion_takes_nothing_back(
    clean: LocalWorld, account_id: str, couch: Couch, forks: Worker, pool: ThreadPoolExecutor, lost: str
) -> None:
    """An operator restores the accounts, or removes a document manually."""
    pces = known_account(clean, account_id, history=False, conso_debut=str(yesterday(clean) - timedelta(days=70)))
    number = fill(clean, account_id, pces, days=30)
    reference, day = staged(clean, account_id)
    pause = Pause(TOTALS)

    def load(**through_proxy: str) -> dict[str, Any]:
        load = {"step": "load", "run_type": "scheduled", "account": account_id, "staged": reference, "day": str(day)}
        return dict(forks.ask("run_step", through_proxy, **load))

    with Proxy(clean.couch.url, pause, lambda: None).running() as proxy:
        loading = pool.submit(load, **through(clean, proxy))
        assert pause.reached.wait(60)
        accounts = couch.documents(ACCOUNTS)
        if lost == "database":
            couch.drop(ACCOUNTS)
        else:
            couch.remove(ACCOUNTS, next(doc for doc in accounts if doc["_id"] == account_id))
        pause.go_on.set()
        answer = loading.result(300)
    kept = couch.mentions(f"{account_id}:{pces[0]}").get("com-grandlyon-grdf-day", [])
    couch.restore(ACCOUNTS, accounts)
    assert answer["error"].startswith(f"BadAccount: Account {account_id}: there is no such account")
    assert len(kept) > number[DAY] + 60
    assert load()["error"].startswith("AnswersGone"), "the next run asks again"
    assert couch.mentions(f"{account_id}:{pces[0]}")["com-grandlyon-grdf-day"] == kept


def test_a_run_that_is_leaving_asks_grdf_nothing(clean: LocalWorld, account_id: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from include.gas.errors import AccountLeaving

    household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    clean.control.clear_log()
    for run_type in ("scheduled", "manual", "backfill"):
        with pytest.raises(AirflowSkipException, match="is leaving"):
            acquire(account_id, run_type)
        with pytest.raises(AccountLeaving):
            extract(account_id, yesterday(clean), run_type)
    assert clean.control.log() == []


def test_a_leaving_account_is_not_listed(clean: LocalWorld, account_id: str) -> None:
    from grdf.airflow.account_list import known_accounts

    household(clean, account_id)
    assert account_id in known_accounts()
    delete(account_id, steps=("check", "mark"))
    assert account_id not in known_accounts()


def test_a_first_launch_under_way_brings_its_meters_first(
    clean: LocalWorld, account_id: str, forks: Worker, pool: ThreadPoolExecutor
) -> None:
    """The run has exchanged the code, and only its worker knows the meters until they are stored."""
    pces = connect_code(clean, account_id)
    pause = Pause(f"/io-cozy-accounts/{account_id}")
    seen: list[str] = []

    def when(number: int, line: str) -> bool:
        seen.append(line)
        return pause(number, line) if line.startswith("PUT") else False

    with Proxy(clean.couch.url, when, lambda: None).running() as proxy:
        launch = pool.submit(
            forks.ask, "run_step", through(clean, proxy), step="acquire", run_type="scheduled", account=account_id
        )
        assert pause.reached.wait(60)
        deletion = pool.submit(delete, account_id, running=[1] * 6)
        threading.Timer(1.0, pause.go_on.set).start()
        assert launch.result(300).get("result"), seen
        deletion.result(300)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert len(assert_gone(clean, account_id, pces)["revoked"]) == 1


def test_another_deletion_takes_over_and_the_first_stops(clean: LocalWorld, account_id: str) -> None:
    """Each has its own approval. The record says whose turn it is, whatever Airflow knows of the other run."""
    pces = household(clean, account_id)
    delete(account_id, steps=("check", "mark", "revoke"))
    given = delete(account_id, run_id="run-2", steps=("check", "mark"))
    assert "Another run (run-1, by someone) has begun it; this one takes over" in given["check"]["text"]
    with pytest.raises(BadRequest, match="another run has taken over"):
        delete(account_id, steps=("purge",))
    delete(account_id, run_id="run-2", steps=("revoke", "purge"))
    record = assert_gone(clean, account_id, pces)
    assert record["run"] == "run-2"
    assert len(revocations(clean)) == len(record["revoked"]) == 1


def test_one_that_comes_after_the_end_finds_no_account(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    delete(account_id, run_id="run-2", steps=("check", "approve"))
    delete(account_id)
    monkeypatch.setenv("AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL", "False")  # it went with the record
    with pytest.raises(BadAccount, match="there is no such account"):
        delete(account_id, run_id="run-2", steps=("mark",), approved_by=None)
    assert assert_gone(clean, account_id, pces)["run"] == "run-1"


def test_one_that_removes_cannot_be_made_to_keep(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    given = delete(account_id, run_id="run-2", form={"keep_data": True})
    assert "To remove:" in given["check"]["text"]
    assert assert_gone(clean, account_id, pces)["keep_data"] is False
