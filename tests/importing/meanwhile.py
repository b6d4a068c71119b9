"""What happens to an account while GRDF is asked for its right, and what is told of it afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.connected import connected
from include.gas.consents.consent import Consent
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import RetryLater
from tests.importing.scene import put, run
from tests.importing.scene import rights as all_rights
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


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


def connect(world: LocalWorld, account: str, pce: str) -> dict[str, Any]:
    """Connect another household on GRDF's site, and return its account."""
    (right,) = world.control.consent([pce], keep_others=True)
    consents = [Consent(pce, str(right["id_droit_acces"]))]
    world.book.save(connected(None, account, consents, at=datetime.now(UTC), by="an-operator"))
    return document(world, account)


def delete_unseen(world: LocalWorld, account: str, monkeypatch: pytest.MonkeyPatch, *, run_id: str = "run-1") -> None:
    """Delete an account while GRDF's list does not show its right yet."""
    with monkeypatch.context() as late:
        unlisted(world, late)
        delete(account, run_id=run_id, started=datetime.now(UTC))


def lost(world: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Declare a right whose answer is lost, delete the account, and return GRDF's id of the right."""
    put([home])
    world.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        run()
    delete_unseen(world, home["account"], monkeypatch)
    (right,) = [each["id_droit_acces"] for each in all_rights(world) if each["id_pce"] == home["pce"]]
    return str(right)
