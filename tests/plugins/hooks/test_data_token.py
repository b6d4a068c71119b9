"""The shared data token: when it is used, when it is renewed, and that one worker at a time renews it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.data_token import VARIABLE, DataToken, SharedToken, VariableShelf
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.stores.lease import lease
from include.gas.errors import CredentialsRefused
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, adict_hook

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


def token(lifetime: float = 14399, *, value: str = "secret-token-value", asked_at: datetime = NOW) -> DataToken:
    return DataToken.granted(value, scope="/adict/v2 user co", client_id="us", asked_at=asked_at, lifetime=lifetime)


def serves(some: DataToken, after: float, *, scope: str = "/adict/v2", client: str = "us", need: float = 900) -> bool:
    return some.serves(scope=scope, client_id=client, for_seconds=need, now=NOW + timedelta(seconds=after))


def test_it_serves_until_the_work_ahead_no_longer_fits() -> None:
    assert serves(token(), 0)
    assert serves(token(), 14399 - 901)
    assert not serves(token(), 14399 - 900)
    assert not serves(token(), 20000)


def test_a_short_lived_token_serves_for_half_of_its_life() -> None:
    assert serves(token(60), 29)
    assert not serves(token(60), 30)


def test_another_client_or_scope_needs_another_token() -> None:
    assert not serves(token(), 0, client="them")
    assert not serves(token(), 0, scope="/adict/v3")
    assert not serves(token(), 0, scope="/adict")


def test_dump_and_load() -> None:
    assert DataToken.load(token().dump()) == token()
    assert "secret-token-value" not in repr(token())


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(token(asked_at=datetime.now(UTC)).dump()) | fields)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "   ",
        "{",
        "null",
        "5",
        "[]",
        '"text"',
        "{}",
        changed(until="soon"),
        changed(until=5),
        changed(until="2099-01-01T00:00:00"),  # without an offset
        changed(asked_at="2026-01-01T00:00:00"),
        changed(value=None),
        changed(value=""),
        changed(value=5),
        changed(scope=None),
        changed(value="secret-token-value\n"),
        changed(value=" secret-token-value"),
        changed(value="jeton-€"),
        "[" * 100_000,
    ],
)
def test_a_variable_that_somebody_has_changed_counts_as_none(clean: LocalWorld, text: str | None) -> None:
    assert DataToken.load(text) is None
    shelf = MemoryShelf(text)
    got, asked = adict_hook(shelf).tokens.get()
    assert asked
    assert DataToken.load(shelf.text) == got


def test_the_variable_is_read_where_airflow_keeps_variables(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    text = token().dump()
    assert VariableShelf().read() is None
    monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", text)
    assert VariableShelf().read() == text


def test_it_is_asked_for_once_and_then_shared(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    first, asked = adict_hook(shelf).tokens.get()
    assert asked
    assert adict_hook(shelf).tokens.get() == (first, False)
    assert shelf.writes == 1
    assert token_requests(clean) == 1


def test_it_is_renewed_before_its_end(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    clean.control.set(token_lifetime_s=3600)
    first, _ = adict_hook(shelf).tokens.get(for_seconds=900)
    assert adict_hook(shelf).tokens.get(for_seconds=1700) == (first, False)
    old = json.loads(shelf.text or "")
    for name in ("asked_at", "until"):
        old[name] = (datetime.fromisoformat(old[name]) - timedelta(seconds=2701)).isoformat()
    shelf.text = json.dumps(old)  # as if 2,701 of its 3,600 s had passed
    second, asked = adict_hook(shelf).tokens.get(for_seconds=900)
    assert asked
    assert second.value != first.value


def test_new_credentials_get_a_new_token(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    oauth = GrdfOAuthHook()

    def shared(client_id: str) -> SharedToken:
        return SharedToken(oauth.ask_data_token, scope="/adict/v2", client_id=client_id, shelf=shelf)

    first, _ = shared(oauth.facts.client_id).get()
    assert shared("another-client").get()[1]
    assert first.client != "another-client"


def test_a_refused_token_is_not_given_again_but_a_newer_one_is(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    tokens = adict_hook(shelf).tokens
    first, _ = tokens.get()
    tokens.drop(first)
    second, asked = tokens.get()
    assert asked
    tokens.drop(first)
    assert tokens.get() == (second, False), "another worker has renewed it: no need to ask again"


def test_a_refused_client_leaves_the_shelf_as_it_was(clean: LocalWorld) -> None:
    clean.control.fault("access_token", status=401, body={"error": "invalid_client"})
    shelf = MemoryShelf("as it was")
    with pytest.raises(CredentialsRefused):
        adict_hook(shelf).tokens.get()
    assert (shelf.text, shelf.writes) == ("as it was", 0)


def token_requests(world: LocalWorld) -> int:
    return sum(entry["path"].endswith("/access_token") for entry in world.control.log())


def test_eight_threads_at_once_ask_once(clean: LocalWorld) -> None:
    shelf, start = MemoryShelf(), Barrier(8)
    clean.control.fault("access_token", delay_s=0.2, status=None)  # long enough for all of them to need it

    def work(_: int) -> str:
        couchdb = CouchDBHook()
        hook = adict_hook(shelf, lambda: lease(couchdb, "token-threads", poll=0.02))
        start.wait()
        return hook.tokens.get()[0].value

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(work, range(8)))
    assert len(values) == 1
    assert token_requests(clean) == 1


WORKERS = """
import multiprocessing, pathlib, sys
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.lease import lease

path = pathlib.Path(sys.argv[1])

class FileShelf:
    def read(self):
        return path.read_text() if path.exists() else None

    def write(self, text):
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)

def work(start, values):
    couchdb = CouchDBHook()
    hook = AdictHook(shelf=FileShelf(), one_at_a_time=lambda: lease(couchdb, "token-processes", poll=0.02))
    start.wait()
    values.put(hook.tokens.get()[0].value)

fork = multiprocessing.get_context("fork")  # so that Airflow is imported once and not eight times
start, values = fork.Barrier(8), fork.SimpleQueue()
workers = [fork.Process(target=work, args=(start, values)) for _ in range(8)]
for worker in workers:
    worker.start()
found = [values.get() for _ in workers]
for worker in workers:
    worker.join()
print("different tokens:", len(set(found)), "of", len(found))
"""


def test_eight_processes_at_once_ask_once(clean: LocalWorld, tmp_path: Path) -> None:
    clean.control.fault("access_token", delay_s=0.2, status=None)
    command = [sys.executable, "-W", "ignore", "-c", WORKERS, str(tmp_path / "token.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=60, check=False)
    assert "different tokens: 1 of 8" in done.stdout, done.stderr
    assert token_requests(clean) == 1


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins")))}
