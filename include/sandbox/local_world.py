"""The outside world on this machine: GRDF's stand-in, a CouchDB, and a front door to which households come back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from include.sandbox.connect import AccountBook, FrontDoor
from include.sandbox.control import SandboxControl
from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import Processes

ROOT = Path(__file__).resolve().parents[2]


class Couch(Protocol):
    """A CouchDB that runs inside its ``with`` block."""

    @property
    def url(self) -> str:
        """The address, without a login."""
        ...

    @property
    def user(self) -> str:
        """The name of an administrator."""
        ...

    @property
    def password(self) -> str:
        """That administrator's password."""
        ...

    def __enter__(self) -> Any:
        """Start it."""
        ...

    def __exit__(self, *exception: Any) -> None:
        """Stop it."""
        ...


class LocalWorld:
    """The sandbox and CouchDB, running inside the ``with`` block.

    :param data: folder that keeps their state from one start to the next
    :param sandbox_port: loopback port of the sandbox, 0 for a free one
    :param couch_port: loopback port of CouchDB, 0 for a free one
    :param memory: keep CouchDB's data in memory only
    :param couch: a CouchDB to use instead of an embedded one; it is entered and left with this block
    :param redirect_uris: redirect URIs to allow in addition to the front door's
    :param real_continues: whether the real household's figures go on after the file's last day, up to yesterday
    """

    def __init__(
        self,
        data: Path,
        *,
        sandbox_port: int = 0,
        couch_port: int = 0,
        memory: bool = False,
        redirect_uris: Sequence[str] = (),
        couch: Couch | None = None,
        real_continues: bool = False,
    ) -> None:
        self.data = data
        self._real_continues = real_continues
        self._sandbox_port = sandbox_port
        self._redirect_uris = tuple(redirect_uris)
        self._stack = ExitStack()
        self.processes = Processes()
        self.couch: Couch = couch or EmbeddedCouch(data / "couch", couch_port, memory=memory)
        self.door = FrontDoor()
        self.facts: dict[str, str] = {}

    def __enter__(self) -> LocalWorld:
        try:
            self._stack.enter_context(self.processes)
            self._stack.enter_context(self.couch)
            self._stack.enter_context(self.door)
            self._start_sandbox()
        except BaseException:
            self._stack.close()
            raise
        self.control = SandboxControl(self.facts["control_url"])
        self.book = AccountBook(self.couch.url, self.couch.user, self.couch.password)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _start_sandbox(self) -> None:
        argv = ["-m", "include.sandbox.adict", "--port", str(self._sandbox_port), "--data", str(self.data / "sandbox")]
        child = self.processes.start(
            "The ADICT sandbox",
            [
                sys.executable,
                *argv,
                *["--real-continues"] * self._real_continues,
                *(f"--redirect-uri={uri}" for uri in (self.door.redirect_uri, *self._redirect_uris)),
            ],
            log=self.data / "sandbox.log",
            cwd=ROOT,
        )
        self.facts = json.loads(child.await_line(r"(?m)^\{.*\}$", 120)[0])

    def connections(self, redirect_uri: str | None = None) -> dict[str, str]:
        """Return Airflow's connections to this world, as environment variables in Airflow's JSON format.

        :param redirect_uri: the address to which GRDF sends households back; by default the front door's
        """
        facts = self.facts
        couch = urlsplit(self.couch.url)

        def grdf(client_id: str, client_secret: str) -> str:
            extra: dict[str, Any] = {
                name: facts[name] for name in ("token_url", "authorize_url", "redirect_uri", "issuer")
            }
            extra["redirect_uri"] = redirect_uri or extra["redirect_uri"]
            extra["calls_per_second"] = 1000  # the sandbox has no quota unless one is set
            return json.dumps(
                {
                    "conn_type": "generic",
                    "login": client_id,
                    "password": client_secret,
                    "host": facts["adict_base"],
                    "extra": extra,
                }
            )

        return {
            "AIRFLOW_CONN_GRDF_ADICT": grdf(facts["client_id"], facts["client_secret"]),
            "AIRFLOW_CONN_GRDFGRANDLYON_DELETE": grdf(facts["delete_client_id"], facts["delete_client_secret"]),
            "AIRFLOW_CONN_COUCHDB": json.dumps(
                {
                    "conn_type": "generic",
                    "host": couch.hostname,
                    "port": couch.port,
                    "schema": couch.scheme,
                    "login": self.couch.user,
                    "password": self.couch.password,
                }
            ),
        }
