"""If Airflow cannot say who may do what, for whatever reason, the page closes and never opens."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from fastapi import HTTPException, Request

from grdf.page import security

CODE = """
import sys, warnings
warnings.simplefilter("ignore")
sys.modules["airflow.api_fastapi.core_api.security"] = None  # as if a later Airflow kept it elsewhere
import asyncio
from grdf.page.app import create_app
app = create_app()
async def ask(path, method):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    await app({"type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
               "query_string": b"", "headers": [(b"authorization", b"Bearer x")], "scheme": "http",
               "server": ("h", 80), "client": ("c", 1), "http_version": "1.1"}, receive, send)
    return sent[0]["status"]
for path, method in (("/", "GET"), ("/accounts/a", "GET"), ("/connect/", "GET"), ("/connect/a", "GET"),
                     ("/connect/a", "POST"), ("/connect/a/link", "POST"), ("/callback", "GET")):
    print("STATUS", path, method, asyncio.run(ask(path, method)))
"""


def test_a_module_that_has_moved_closes_every_route() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=600, check=False)
    answers = [line.split() for line in done.stdout.splitlines() if line.startswith("STATUS")]
    assert len(answers) == 7, done.stderr
    assert {status for *_, status in answers} == {"503"}, answers


@pytest.mark.parametrize("failure", [TypeError("another signature"), RuntimeError("no auth manager")])
def test_an_airflow_that_fails_closes_it(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    import asyncio

    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(security, "get_user", fail)
    request = Request({"type": "http", "headers": []})
    with pytest.raises(HTTPException) as refused:
        asyncio.run(security.visitor_if_any(request))
    assert refused.value.status_code == 503
    monkeypatch.setattr(security, "requires_access_dag", fail)
    with pytest.raises(HTTPException) as refused:
        security.can_see(security.Visitor("x", None, request), "any")
    assert refused.value.status_code == 503
