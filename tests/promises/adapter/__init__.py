"""A town in memory: households, this project, GRDF (the sandbox in this process), CouchDB, and a clock of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseHook
from requests.adapters import HTTPAdapter

from tests.model.clock import FACE, replace_clock
from tests.modules import import_all
from tests.promises.adapter.outside import Quota, Shelf, connections, sandbox
from tests.promises.adapter.seen import *  # noqa: F403
from tests.promises.adapter.ways_in import Town as Town

SEND = HTTPAdapter.send
OURS = ("AIRFLOW__GRDF__", "AIRFLOW_CONN_")
SETTINGS = {
    "AIRFLOW__GRDF__SPREAD_MINUTES": "60",
    "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
    "AIRFLOW__API__SECRET_KEY": "a secret of the tests",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests, invented, " * 3,
}


@contextmanager
def built() -> Iterator[Callable[..., Any]]:
    """Build what all towns share, and return what makes one."""
    import grdf
    import include.gas

    for package in (grdf, include.gas):
        import_all(package)
    sandbox()  # before time is replaced in all modules
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="grdf-town-", dir=memory) as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in (connections() | SETTINGS).items():
            patch.setenv(name, value)
        usual = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
        replace_clock(patch)
        town: list[Town] = []
        patch.setattr(HTTPAdapter, "send", lambda adapter, request, *_, **__: town[-1].send(adapter, request))
        patch.setattr("grdf.hooks.adict.Variables", Shelf)
        patch.setattr("grdf.quota.governor.QuotaStore", Quota)
        patch.setattr("grdf.staging.folder.write_private", _write_now)
        for name in ("adict", "oauth"):  # there are thousands of towns, each with its own secrets
            patch.setattr(f"grdf.hooks.{name}.mask_secret", lambda _: None)
        # To look up the machine's settings at each request takes a third of the time; they are always the same.
        patch.setattr("requests.sessions.get_environ_proxies", lambda *_, **__: {})
        patch.setattr("requests.sessions.get_netrc_auth", lambda *_, **__: None)
        patch.setattr("grdf.options.conf", _Settings)
        patch.setattr("grdf.hooks.connection.BaseHook", SimpleNamespace(get_connection=_connection))

        def clear() -> None:
            for name in [name for name in os.environ if name.startswith(OURS)]:
                del os.environ[name]

        def make(start: date = date(2026, 4, 20), kind: type[Town] = Town, **settings: object) -> Town:
            clear()
            shutil.rmtree(town[-1].staging) if town else None
            staging = Path(tempfile.mkdtemp(dir=folder))
            os.environ.update(usual | {"AIRFLOW__GRDF__STAGING_URL": f"file://{staging}"})
            town[:] = [kind(start, staging)]
            town[-1].set(**settings)
            return town[-1]

        yield make
        clear()
        os.environ.update(usual)


class _Settings:
    @staticmethod
    def get(section: str, name: str, fallback: str = "") -> str:
        return os.environ.get(f"AIRFLOW__{section.upper()}__{name.upper()}", fallback)


def _write_now(target: Path, content: bytes | str, *, for_group: bool = False) -> None:
    """Write a file with the age of the town's clock, without waiting for the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    now = FACE.at().timestamp()
    os.utime(target, (now, now))


def _connection(conn_id: str) -> Any:
    return _stored_connection(conn_id, os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}", ""))


@cache
def _stored_connection(conn_id: str, _text: str) -> Any:
    return BaseHook.get_connection(conn_id)
