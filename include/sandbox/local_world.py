"""GRDF's stand-in and a CouchDB on this machine, started here alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from include.sandbox.connect import AccountDocuments
from include.sandbox.control import SandboxControl
from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import ProcessError, Processes, require_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0

_CLIENT = ("token_url", "scope", "calls_per_second", "calls_per_day")
"""The fields of both GRDF types."""
_FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "grdf_adict": (
        "grdf",
        {"scope": "/adict/v2", "id_token_algorithms": "HS256", "jwks_url": "", "calls_per_day": 6000},
    ),
    "grdfgrandlyon_delete": ("grdfdelete", {"scope": "/adict/v2", "calls_per_day": 6000}),
    "couchdb": ("couchdb", {"database_prefix": ""}),
}
"""Connection types, and form fields left to their defaults."""


class LocalWorld:
    """The sandbox and CouchDB, inside the ``with`` block.

    :param data: folder that keeps their state
    :param couch: another CouchDB, with ``url``, ``user`` and ``password``
    :param real_continues: whether the real household's figures go on up to yesterday
    """

    def __init__(
        self,
        data: Path,
        *,
        sandbox_port: int = 0,
        couch_port: int = 0,
        memory: bool = False,
        redirect_uris: Sequence[str] = (),
        couch: Any = None,
        real_continues: bool = False,
    ) -> None:
        require_port(sandbox_port, purpose="GRDF's stand-in", option="--sandbox-port")
        self.data = data.resolve()
        self.processes = Processes()
        self.couch: Any = couch or EmbeddedCouch(self.data / "couch", couch_port, memory=memory)
        self._argv = [
            *(sys.executable, "-m", "include.sandbox.adict", "--port", str(sandbox_port)),
            *("--data", str(self.data / "sandbox")),
            *["--real-continues"] * real_continues,
            *(f"--redirect-uri={uri}" for uri in redirect_uris),
        ]
        self._stack = ExitStack()

    def __enter__(self) -> LocalWorld:
        with ExitStack() as stack:
            for part in (self.processes, self.couch):
                stack.enter_context(part)
            log = self.data / "sandbox.log"
            child = self.processes.start("GRDF's stand-in", self._argv, log=log, cwd=ROOT)
            self.facts: dict[str, str] = json.loads(child.await_line(r"(?m)^\{.*\}$", START_SECONDS)[0])
            self._stack = stack.pop_all()
        self.control = SandboxControl(self.facts["control_url"])
        self.book = AccountDocuments(self.couch.url, self.couch.user, self.couch.password)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def watch(self) -> NoReturn:
        """Wait until a server ends by itself."""
        own = self.couch.processes.children if isinstance(self.couch, EmbeddedCouch) else []
        while True:
            for child in (*self.processes.children, *own):
                if not child.alive():
                    raise ProcessError(
                        f"{child.name} ended by itself. Its log, {child.log}, ends with:\n{child.tail()}"
                    )
            time.sleep(0.5)

    def connections(self, redirect_uri: str | None = None) -> dict[str, str]:
        """Return Airflow's connections to this world, as environment variables in JSON."""
        extra: dict[str, Any] = {name: self.facts[name] for name in ("token_url", "authorize_url", "issuer")}
        extra["redirect_uri"] = redirect_uri or self.facts["redirect_uri"]
        extra["calls_per_second"] = 1000  # the sandbox has no quota by default

        def grdf(client: str) -> dict[str, Any]:
            login, password = self.facts[f"{client}client_id"], self.facts[f"{client}client_secret"]
            return {"login": login, "password": password, "host": self.facts["adict_base"], "extra": extra}

        couch = urlsplit(self.couch.url)
        made = {
            "GRDF_ADICT": grdf(""),
            "GRDFGRANDLYON_DELETE": grdf("delete_"),
            "COUCHDB": {
                "host": couch.hostname,
                "port": couch.port,
                "schema": couch.scheme,
                "login": self.couch.user,
                "password": self.couch.password,
            },
        }
        return {f"AIRFLOW_CONN_{name}": json.dumps({"conn_type": "generic", **fields}) for name, fields in made.items()}


def form_connections(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return connections by id as Airflow's forms would hold them."""
    made = {}
    for conn_id, (kind, more) in _FORMS.items():
        fields = json.loads(environment[f"AIRFLOW_CONN_{conn_id.upper()}"])
        extra = more | fields.get("extra", {})
        if kind == "grdfdelete":
            extra = {field: extra[field] for field in _CLIENT}
        # Airflow 3.3.2 tests no connection without a port (apache/airflow#73298).
        port = fields.get("port") or urlsplit(fields["host"]).port
        made[conn_id] = fields | {"conn_type": kind, "port": port, "extra": extra}
    return made


def exit_code(run: Callable[[], int], *, interrupted: int = 0) -> int:
    """Run a command and return its exit code: 2 if a child failed, ``interrupted`` after Ctrl-C or SIGTERM."""
    try:
        return run()
    except (ProcessError, OSError) as error:
        print(f"grdf: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit):
        print("\ngrdf: all that was started has been ended.", file=sys.stderr)
        return interrupted
