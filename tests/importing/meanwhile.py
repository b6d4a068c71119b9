"""What happens to an account while GRDF is asked for its right."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.importing.scene import put, run
from tests.importing.scene import rights as all_rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


class UnderWay:
    """An import whose declaration is on its way to GRDF, which gets it once the import may end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor, home: dict[str, str]) -> None:
        from grdf.hooks.adict import AdictHook

        self.sent, self.answered = threading.Event(), threading.Event()
        declare = AdictHook.declare

        def slow(hook: AdictHook, *args: Any, **more: Any) -> Any:
            self.sent.set()
            assert self.answered.wait(60)
            return declare(hook, *args, **more)

        monkeypatch.setattr(AdictHook, "declare", slow)
        put([home])
        self._running: Future[dict[str, int]] = pool.submit(run)
        assert self.sent.wait(60)

    def end(self) -> dict[str, int]:
        self.answered.set()
        return self._running.result(60)


def states(world: LocalWorld, home: dict[str, str]) -> list[str]:
    return [right["etat_droit_acces"] for right in all_rights(world) if right["id_pce"] == home["pce"]]
