"""A household is deleted while GRDF is asked for its right: no right stays that no account has."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
from include.gas.errors import BadRequest, RetryLater
from tests.importing.scene import files, folder, household, names_person, outcomes, put, records, run
from tests.importing.scene import rights as all_rights
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(200_000)
BEFORE_PURGE = ("check", "mark", "revoke")


@pytest.fixture
def home(clean: LocalWorld) -> Iterator[dict[str, str]]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    for name in files():
        folder()._path(name).unlink()
    made = household(next(_numbers))
    yield made
    clean.book.remove(made["account"])
    for doctype in (AUDIT, CONSENT_RECORD):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(made["account"]))


@pytest.fixture(autouse=True)
def the_list_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as running:
        yield running


class UnderWay:
    """An import whose declaration GRDF has not answered yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor, home: dict[str, str]) -> None:
        from grdf.hooks.adict import AdictHook

        self.sent, self.answered = threading.Event(), threading.Event()
        declare = AdictHook.declare

        def slow(hook: AdictHook, *args: Any, **more: Any) -> Any:
            try:
                return declare(hook, *args, **more)
            finally:
                self.sent.set()
                assert self.answered.wait(60)

        monkeypatch.setattr(AdictHook, "declare", slow)
        put([home])
        self._running: Future[dict[str, int]] = pool.submit(run)
        assert self.sent.wait(60)

    def end(self) -> dict[str, int]:
        self.answered.set()
        return self._running.result(60)


def states(world: LocalWorld, home: dict[str, str]) -> list[str]:
    return [right["etat_droit_acces"] for right in all_rights(world) if right["id_pce"] == home["pce"]]


def audits(account: str) -> list[dict[str, Any]]:
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.gas_days import account_range

    return CouchDBHook().range(AUDIT, *account_range(account))


def told(account: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> bool:
    """Return whether the morning's check says what to do."""
    capfd.readouterr()
    caplog.clear()
    check()
    return f"Account {account}: it was deleted while GRDF was asked" in "".join(capfd.readouterr()) + caplog.text


def unlisted(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let GRDF's list show no right of a meter for the time being."""
    from grdf.hooks.adict import AdictHook
    from include.gas.answers.access_rights import Rights

    monkeypatch.setattr(AdictHook, "listed_rights", lambda *_, **__: Rights())


def test_the_answer_comes_when_the_account_is_gone(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        with patch.context() as late:
            unlisted(clean, late)
            delete(account, started=datetime.now(UTC))
        assert document(clean, account) == {}
        with caplog.at_level(logging.DEBUG):
            assert under_way.end() == {"refused": 1}
    assert outcomes() == [(account, "refused")]
    assert states(clean, home) == ["A valider"]
    stored = document(clean, account)
    assert "leaving" in stored
    assert stored["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert "Start grdf_delete_account for it again" in stored["state_message"]
    assert f"Account {account}: it was deleted while GRDF was asked" in caplog.text
    assert names_person(caplog.text) == []
    assert told(account, capfd, caplog)
    assert told(account, capfd, caplog), "every morning"
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert document(clean, account) == {}
    assert records(account) == []
    assert not told(account, capfd, caplog)


def test_the_answer_is_lost_and_the_list_shows_the_right_late(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    put([home])
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        run()
    with monkeypatch.context() as patch:
        unlisted(clean, patch)
        delete(account, started=datetime.now(UTC))
    assert document(clean, account) == {}
    assert states(clean, home) == ["A valider"]
    assert names_person(audits(account)) == [], "the record names nobody"
    assert told(account, capfd, caplog)
    assert "leaving" in document(clean, account)
    assert "unanswered" not in audits(account)[0]
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert run() == {"left": 1}
    assert document(clean, account) == {}


def test_the_answer_comes_between_the_revocation_and_the_removal(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    account, started = home["account"], datetime.now(UTC)
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        with patch.context() as late:
            unlisted(clean, late)
            delete(account, steps=BEFORE_PURGE, started=started)
        under_way.end()
    with pytest.raises(BadRequest, match="GRDF took a right for it after its consents were revoked"):
        delete(account, approved_by=None, steps=("purge",), started=started)
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert document(clean, account) == {}


def test_an_account_that_was_removed_by_hand_comes_back_with_what_was_sent(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        clean.book.remove(account)
        assert under_way.end() == {"refused": 1}
    assert told(account, capfd, caplog)
    delete(account, started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]


def test_a_deletion_that_does_not_end_is_told_every_day(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = {"run": "r", "by": "b", "since": "2026-01-02T03:04:05+00:00"}
    clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon", "leaving": mark})
    capfd.readouterr()
    given = check()
    assert f"Account {account_id}: it is marked as leaving since 2026-01-02" in "".join(capfd.readouterr())
    assert given["leaving"] >= 1
    clean.book.remove(account_id)
