"""CouchDB's own log, whose lines name meters: the set-up and the doctor say when it has a line for each request.

The levels and what CouchDB answers about them are those of its source (``chttpd:maybe_log``, ``chttpd_node``); the rest
is answered by the embedded server.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from grdf.doctor.couch import log
from grdf.hooks.couchdb import CouchDBHook
from tests.plugins.conftest import Heard, Reply
from tests.plugins.conftest import Server as HttpServer
from tests.plugins.couchdb_setup.server import Run, Server

UNSET = '{"error":"not_found","reason":"unknown_config_value"}'


@pytest.mark.parametrize("server", ["embedded"], indirect=True)
@pytest.mark.parametrize(
    ("status", "level", "told"),
    [
        (200, '"info"\n', True), (200, '"notice"', True), (200, '"debug"', True), (404, UNSET, True),
        (200, '"warning"\n', False), (200, '"none"', False),
        (401, '{"error":"unauthorized","reason":"You are not a server admin."}', False),
    ],
)  # fmt: skip
def test_a_log_of_all_requests_is_told(
    server: Server,
    run: Run,
    serve: Callable[[Callable[[Heard], Reply]], HttpServer],
    status: int,
    level: str,
    told: bool,
) -> None:
    def pass_on(heard: Heard) -> Reply:
        if heard.path == "/_node/_local/_config/log/level":
            return Reply(level, status, {"Content-Type": "application/json"})
        headers = {name: heard.headers[name] for name in ("Authorization", "Content-Type") if name in heard.headers}
        answer = requests.request(heard.method, server.url + heard.path, data=heard.body, headers=headers, timeout=30)
        return Reply(answer.content, answer.status_code, {"Content-Type": "application/json"})

    server.connect(host=serve(pass_on).url)
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert ("log: CouchDB writes down each request" in said) == told
    findings = list(log(CouchDBHook()))
    assert [each.state for each in findings] == ["look"] * told
