"""Looks at somebody else's Airflow from inside its API server, and prints what it sees as JSON."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import sys
from importlib import metadata
from typing import Any

OURS = "airflow-provider-grdf"
NUMBER = "12345678901234"
LONG = 2_000_000
"""Bytes."""


def hide_this_project() -> None:
    every = metadata.distributions
    metadata.distributions = lambda **how: (each for each in every(**how) if each.name != OURS)  # type: ignore[assignment]


def load_this_project() -> None:
    modules = "account_dag hooks.adict hooks.couchdb operators.load staging.staged_answers doctor.couchdb_checks"
    for name in modules.split():
        importlib.import_module(f"grdf.{name}")


class Seen:
    def __init__(self) -> None:
        from airflow.api_fastapi.app import create_app, get_auth_manager
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from fastapi.testclient import TestClient

        self.lines: list[str] = []
        self.listen()
        self.app = create_app()
        self.manager = get_auth_manager()
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self.tokens = {
            role: self.manager.generate_jwt(SimpleAuthManagerUser(username=role, role=role))
            for role in ("viewer", "user", "op", "admin")
        }
        self.asked = 0
        self.count_who_asks()

    def listen(self) -> None:
        from airflow.api_fastapi.common import http_access_log

        class Log:
            @staticmethod
            def info(_event: str, *, duration_us: int, client_addr: str, **what: Any) -> None:
                del duration_us, client_addr
                self.lines.append(json.dumps(what, sort_keys=True))

        http_access_log.logger = Log

    def count_who_asks(self) -> None:
        found = self.manager.get_user_from_token

        async def counted(token: str) -> Any:
            self.asked += 1
            return await found(token)

        self.manager.get_user_from_token = counted  # type: ignore[method-assign]

    def ask(self, method: str, path: str, role: str = "admin", **what: Any) -> list[Any]:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        before = self.asked
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **what)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        said = answer.json() if is_json else answer.text[:200]
        if "token" in said and isinstance(said, dict):
            said["token"] = "made up for each test of a connection"
        return [answer.status_code, said, self.asked - before]

    def requests(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        theirs = {"connection_id": "theirs", "conn_type": "http", "host": "127.0.0.1", "port": 9}
        for role in ("", "viewer", "op", "admin"):
            for path in ("/api/v2/connections/test", "/api/v2/connections/enqueue-test"):
                for test in ("Disabled", "Enabled"):
                    os.environ["AIRFLOW__CORE__TEST_CONNECTION"] = test
                    found[f"{test} {role} {path}"] = self.ask("POST", path, role, json=theirs)
            for path in ("/x/connections/test", "/x/connections/enqueue-test"):
                found[f"their test {role} {path}"] = self.ask("POST", path, role, content=b"x" * LONG)
            found[f"write {role}"] = self.ask("PATCH", "/api/v2/dags/unknown", role, json={"is_paused": True})[::2]
        order = f"/x/orders/{NUMBER}?invoice={NUMBER}&barcode=1&state={'s' * 50}"
        others = "/api/v2/variables/team=a", "/x?code=1&state=2", "/api/v2/dags?tags=token", "//grdf", "/x;y"
        for path in (order, *others):
            found[path] = self.ask("GET", path)[::2]
        with self.client.websocket_connect(f"/x/room/blue?token=abc&state={'s' * 50}") as socket:
            found["websocket"] = socket.receive_json()
        found["access log"] = self.lines[:]
        return found

    def parts(self) -> dict[str, Any]:
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()
        plugins = self.ask("GET", "/api/v2/plugins")[1]["plugins"]
        listened = {
            f"{model.__name__} {name}": [
                getattr(each, "__module__", "?") for each in getattr(model.__mapper__.dispatch, name)
            ]
            for model in (DagRun, TaskInstance)
            for name in ("before_insert", "before_update", "before_delete", "after_insert")
        }
        return {
            "middlewares": [each.cls.__name__ for each in self.app.user_middleware],
            "routes": [each.path for each in self.app.routes if not each.path.startswith("/grdf")],
            "plugins": [each for each in plugins if each["name"] != "grdf"],
            "providers": sorted(set(manager.providers) - {OURS}),
            "hooks": sorted(set(manager.hooks) - {"grdf", "grdfdelete", "couchdb"}),
            "listeners": listened,
            "their DAG": self.their_dag(),
        }

    @staticmethod
    def their_dag() -> Any:
        from airflow.configuration import conf
        from airflow.dag_processing.dagbag import DagBag
        from airflow.serialization.serialized_objects import DagSerialization

        bag = DagBag(conf.get("core", "dags_folder"))
        return [bag.import_errors, json.loads(json.dumps(DagSerialization.to_dict(bag.dags["their_orders"])))]


def their_log_lines() -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    for name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "requests", "their.orders"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.error("GET /orders/%s?invoice=%s", NUMBER, NUMBER)
        logger.removeHandler(handler)
    return out.getvalue()


def loggers() -> dict[str, Any]:
    return {
        name: [logger.level, [repr(type(each)) for each in logger.filters], logger.disabled, logger.propagate]
        for name, logger in sorted(logging.root.manager.loggerDict.items())
        if isinstance(logger, logging.Logger)
        and not name.startswith(("grdf", "include"))
        and (logger.level or logger.filters or logger.disabled or not logger.propagate)
    }


def main(mode: str) -> None:
    if mode == "without":
        hide_this_project()
    seen = Seen()
    if mode == "with":
        load_this_project()
    found = {
        "requests": seen.requests(),
        "parts": seen.parts(),
        "log lines": their_log_lines(),
        "loggers": loggers(),
        "ours": seen.ask("GET", "/grdf/fleet", "")[0],
    }
    print("SEEN " + json.dumps(found, default=repr))


if __name__ == "__main__":
    main(sys.argv[1])
