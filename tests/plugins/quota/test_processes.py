"""The stores of the quota, and processes that share one: a file, and PostgreSQL if it is installed."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.terms import Quota
from include.gas.errors import BadSettings, GasError, RetryLater, StoreBusy
from include.sandbox.processes import Processes
from tests.plugins.clockwork import call
from tests.postgres import available, postgres

ROOT = Path(__file__).resolve().parents[3]
GRDF = Quota(1.0, 6000)


def sqlite(file: Path) -> QuotaStore:
    return QuotaStore(f"sqlite:///{file}")


# ---- the stores ------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_a_matter_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "quota.db"
    file.write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(BadSettings, match=r"quota\.db cannot be used .*move it away"):
        call(Governor(sqlite(file), "id", GRDF))


def test_a_file_that_cannot_be_written_is_a_matter_of_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSettings, match="cannot be used"):
        call(Governor(sqlite(tmp_path / "file" / "quota.db"), "id", GRDF))
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(BadSettings, match="cannot be used"):
        call(Governor(sqlite(tmp_path / "folder.db"), "id", GRDF))


def test_a_file_that_others_hold_too_long_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grdf.quota.quota_store._PATIENCE", 0.05)
    store = sqlite(tmp_path / "quota.db")
    call(Governor(store, "id", GRDF))
    holder = sqlite3.connect(tmp_path / "quota.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="database is locked"):
        call(Governor(store, "id", GRDF))
    holder.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://grdf:hush-hush@127.0.0.1:9/airflow", StoreBusy),
        ("postgresql+nodriver://grdf:hush-hush@127.0.0.1:9/airflow", BadSettings),
        ("postgresql://grdf:hush-hush@127.0.0.1:port/airflow", BadSettings),
        *((f"postgresql://u:{word}@127.0.0.1:9/x", RetryLater) for word in ("hush/x", "x#hush", "%ZZhush")),
        ("postgresql://u:[hush]@127.0.0.1:9/x", GasError),
        *((f"{form}hush@h/d", BadSettings) for form in ("redis://:", "mysql://u:", "")),
    ],
)
def test_a_server_that_is_not_there(url: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"\[grdf\] quota_url") as caught:
        call(Governor(QuotaStore(url), "id", GRDF))
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A separate PostgreSQL, in a time zone whose hours can occur twice. Skipped unless its programs are installed."""
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with Processes() as processes, postgres(processes) as server:
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute("ALTER ROLE airflow SET timezone = 'Europe/Paris'")
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'quota.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


# ---- several processes -----------------------------------------------------------------------------------------------

PROGRAM = """
import sys, time
from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.terms import Quota
from tests.plugins.clockwork import call
url, client, pace, calls = sys.argv[1:]
governor = Governor(QuotaStore(url), client, Quota(float(pace), 6000))
governor.left()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(calls)):
    call(governor)
    print(time.time(), flush=True)
"""


@contextmanager
def caller(url: str, client: str, pace: float, calls: int) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))}
    command = [sys.executable, "-P", "-c", PROGRAM, url, client, str(pace), str(calls)]
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def rest(process: subprocess.Popen[str]) -> list[float]:
    assert process.stdout
    return [float(line) for line in process.stdout]


def test_processes_share_the_pace_and_none_starves(url: str) -> None:
    pace, calls = 10.0, 20
    with ExitStack() as stack:
        running = [stack.enter_context(caller(url, "pace", pace, calls)) for _ in range(3)]
        for each in running:
            go(each)
        made = [rest(each) for each in running]
    together = sorted(itertools.chain(*made))
    assert len(together) == 3 * calls
    # A tenth of a second apart on the shared clock. Each then took some time to report it.
    assert together[-1] - together[0] >= (len(together) - 1) / pace
    assert min(after - before for before, after in zip(together, together[10:], strict=False)) > 0.9
    # A call delayed for longer than a turn goes when it can. Among several, chance decides (grdf.quota.ledger).
    first_to_end = min(each[-1] for each in made)
    assert all(each[0] < first_to_end for each in made), "nobody's calls wait for the end of others"


def test_nobody_else_on_the_machine_reads_the_file(tmp_path: Path) -> None:
    sqlite(tmp_path / "quota.db").update("client", lambda _text, _now: ("{}", None))
    assert (tmp_path / "quota.db").stat().st_mode & 0o777 == 0o600


def test_a_booking_does_not_name_the_account() -> None:
    from grdf.meters.asking import booked

    adict: Any = SimpleNamespace(release=lambda _: None)
    with booked(adict, "household-of-durand:a run", 2, "daily") as one, booked(adict, "another", 1, "daily") as other:
        assert one.booking
        assert other.booking
        assert "durand" not in repr(one)
        assert one.booking.name != other.booking.name
