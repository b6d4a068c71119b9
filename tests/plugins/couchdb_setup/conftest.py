"""The servers on which the set-up is tried, and the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from grdf import couchdb_setup
from include.sandbox.couch import EmbeddedCouch
from tests.named_couch import SERVERS
from tests.plugins.couchdb_setup.server import Put, Server


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path, connection: Put) -> Iterator[Server]:
    if request.param == "embedded":
        with EmbeddedCouch(tmp_path / "couch", memory=True, lockout=5) as couch:
            yield Server(couch.url, couch.user, couch.password, connection)
        return
    couch = request.getfixturevalue("world").couch
    made = Server(couch.url, couch.user, couch.password, connection)
    yield made
    if rev := made.user(made.member).get("_rev"):
        path = quote(f"org.couchdb.user:{made.member}", safe="")
        made.http.delete(f"{made.url}/_users/{path}", params={"rev": rev}, timeout=30)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*readers: str) -> tuple[int, str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__GRDF__COUCHDB_READERS", ", ".join(readers))
            code = couchdb_setup.main(["setup"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
