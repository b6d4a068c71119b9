"""A temporary PostgreSQL server for Airflow's database, as in production, for tests and benchmarks."""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import psycopg

from include.sandbox.processes import Child, ProcessError, Processes, free_port

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = Path("/usr/lib/postgresql")
"""The folder where Debian installs the programs of each version, which is not on the ``PATH``."""
USERS = ("postgres", "nobody")
START_SECONDS = 120


class Postgres:
    user = "airflow"

    def __init__(self, child: Child, port: int, password: str) -> None:
        self.child = child
        self._address = f"{self.user}:{password}@127.0.0.1:{port}/postgres"

    @property
    def url(self) -> str:
        return f"postgresql://{self._address}"

    @property
    def airflow_url(self) -> str:
        return f"postgresql+psycopg://{self._address}"

    def airflow_settings(self) -> dict[str, str]:
        names = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC")
        return dict.fromkeys(names, self.airflow_url)


def start_postgres(processes: Processes, *, airflow: bool = False) -> Postgres:
    """Create and start a server. Its data is removed when Python exits.

    PostgreSQL refuses to run as root, so root runs it as another user. Its folder is not one of pytest's, because
    every pytest process makes those inaccessible to all users but root when it starts.

    :param airflow: whether it has Airflow's tables, copied from a folder that is created once per machine
    """
    folder = _folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # even if a test is interrupted
    if airflow:
        shutil.copytree(_migrated(processes), folder, dirs_exist_ok=True)
        _own(folder)
    else:
        _initialise(folder)
    return _start(processes, folder)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="grdf-postgres-"))
    _let_others_through(folder)
    return folder


def _start(processes: Processes, folder: Path) -> Postgres:
    port = free_port()
    child = processes.start(
        "PostgreSQL",
        [
            *_as_unprivileged(), program("postgres"), "-D", folder / "data", "-p", str(port), "-k", folder,
            "-h", "127.0.0.1", "-N", "200", "-F",
        ],
        log=folder / "server.log",
        cwd=folder,
    )  # fmt: skip
    server = Postgres(child, port, (folder / "password").read_text(encoding="ascii"))
    _await(server)
    return server


def _migrated(processes: Processes) -> Path:
    """Return the folder of a server with Airflow's tables. It is created once per machine and release."""
    made = ROOT / ".grdf" / "airflow-test" / f"postgres-{version()}-{metadata.version('apache-airflow')}"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_name(f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # groups of tests run in parallel
        if not made.exists():
            folder = _folder()
            try:
                _initialise(folder)
                server = _start(processes, folder)
                _migrate(server)
                server.child.stop(START_SECONDS)
                shutil.rmtree(made.with_name(f"{made.name}.new"), ignore_errors=True)
                shutil.copytree(
                    folder, made.with_name(f"{made.name}.new"), ignore=shutil.ignore_patterns("*.pid", "server.log")
                )
                made.with_name(f"{made.name}.new").rename(made)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return made


def _migrate(server: Postgres) -> None:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | server.airflow_settings() | {"AIRFLOW_HOME": home}
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessError(f"Airflow's tables could not be made:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def program(name: str) -> str:
    """Return the path of a PostgreSQL program, from the ``PATH`` or from Debian's newest version."""
    if found := shutil.which(name):
        return found
    installed = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise ProcessError(f"There is no program {name}: run 'apt-get install postgresql' as root, then this again.")
    return str(installed[-1])


def available() -> bool:
    try:
        program("initdb")
    except ProcessError:
        return False
    return True


def version() -> str:
    said = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ProcessError("PostgreSQL does not run as root, and this machine has no user postgres or nobody to lend it.")


def _as_unprivileged() -> list[str]:
    user = _unprivileged()
    if user is None:
        return []
    ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return ["setpriv", *ids, "--pdeathsig", "INT"]  # changing the user removes the tether of processes.py


def _let_others_through(folder: Path) -> None:
    """Let PostgreSQL's user reach its folder if it is a different user, even below a private ``TMPDIR``."""
    for path in folder.parents if _unprivileged() else ():
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o001)


def _own(folder: Path) -> None:
    if user := _unprivileged():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


def _initialise(folder: Path) -> None:
    (folder / "password").write_text(secrets.token_urlsafe(16), encoding="ascii")
    (folder / "password").chmod(0o600)
    _own(folder)
    options = ["-U", Postgres.user, "-A", "scram-sha-256", "--pwfile", folder / "password", "-E", "UTF8", "--no-sync"]
    command = [*_as_unprivileged(), program("initdb"), "-D", folder / "data", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessError(f"PostgreSQL's data could not be made: {done.stderr.strip()}")


def _await(server: Postgres) -> None:
    limit = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > limit or not server.child.alive():
                raise ProcessError(f"PostgreSQL does not answer; its log ends with:\n{server.child.tail()}") from None
            time.sleep(0.1)
