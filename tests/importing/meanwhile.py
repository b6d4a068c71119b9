"""What happens to an account while GRDF is asked for its right, and what is told of it afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import AUDIT
from tests.importing.scene import put, run
from tests.importing.scene import rights as all_rights
from tests.leaving.runs import check

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
