"""The store of the quota: processes that share a file or PostgreSQL; what is wrong is said without a password."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from grdf.quota import quota_store
from grdf.quota.call_terms import Quota
from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from include.gas.errors import BadSettings, GasError, RetryLater, StoreBusy
from include.sandbox.processes import Processes
from tests.plugins.clockwork import call
from tests.postgres import available, start_postgres


def use(url: str | Path) -> None:
    call(Governor(QuotaStore(f"sqlite:///{url}" if isinstance(url, Path) else url), "id", Quota(1.0, 6000)))


def damage(file: Path) -> None:
    file.write_bytes(b"this is no database, despite its name" * 50)


def damage_ledger(file: Path) -> None:
    use(file)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE grdf_quota SET ledger = '{'")
    database.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damage, r"quota\.db cannot be used .*move it away"),
        (Path.mkdir, r"quota\.db cannot be used"),
        (lambda file: file.parent.rmdir() or file.parent.write_text(""), r"quota\.db cannot be used"),
        (damage_ledger, r"quota\.db cannot be used .*move it away"),
    ],
    ids=["no database", "a folder", "below a file", "no ledger"],
)
def test_a_file_that_cannot_be_used_is_a_matter_of_settings(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    file = tmp_path / "folder" / "quota.db"
    file.parent.mkdir()
    spoil(file)
    with pytest.raises(BadSettings, match=said):
        use(file)


def test_a_file_that_others_hold_too_long_passes_and_nobody_else_on_the_machine_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_store, "_PATIENCE", 0.05)
    file = tmp_path / "quota.db"
    use(file)
    assert file.stat().st_mode & 0o777 == 0o600
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="database is locked"):
        use(file)
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
        ("memory://", BadSettings),
        ("quota.db", BadSettings),
    ],
)
def test_an_address_that_cannot_be_used_is_not_shown(url: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"\[grdf\] quota_url") as caught:
        use(url)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys, time
from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.call_terms import Quota
from tests.plugins.clockwork import call
url, pace, calls = sys.argv[1:]
governor = Governor(QuotaStore(url), "pace", Quota(float(pace), 6000))
governor.calls_left()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(calls)):
    call(governor)
    print(time.time(), flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'folder' / 'quota.db'}"
        return
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with Processes() as processes:
        server = start_postgres(processes)
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute("ALTER ROLE airflow SET timezone = 'Europe/Paris'")
        yield server.url


@contextmanager
def caller(url: str, pace: float, calls: int) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))}
    command = [sys.executable, "-P", "-c", PROGRAM, url, str(pace), str(calls)]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_processes_share_the_pace_and_none_starves(url: str) -> None:
    pace, calls = 10.0, 12
    with ExitStack() as stack:
        running = [stack.enter_context(caller(url, pace, calls)) for _ in range(3)]
        for each in running:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        made = [[float(line) for line in each.stdout or ()] for each in running]
    together = sorted(itertools.chain(*made))
    assert len(together) == 3 * calls
    # A tenth of a second apart on the shared clock. Each then took some time to report it.
    assert together[-1] - together[0] >= (len(together) - 1) / pace
    assert min(after - before for before, after in zip(together, together[10:], strict=False)) > 0.9
    # A call delayed for longer than a turn goes when it can. Among several, chance decides (grdf.quota.quota_state).
    first_to_end = min(each[-1] for each in made)
    assert all(each[0] < first_to_end for each in made), "no calls wait for the end of others"
