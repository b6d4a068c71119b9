"""A temporary PostgreSQL server for Airflow's database, as in production, for tests and benchmarks."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from include.sandbox.processes import Child, ProcessError, Processes, free_port

DEBIAN = Path("/usr/lib/postgresql")
"""The folder where Debian installs the programs of each version, which is not on the ``PATH``."""
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


def start_postgres(processes: Processes) -> Postgres:
    """Create and start a server. Its data is removed when Python exits.

    PostgreSQL refuses to run as root, so root runs it as its package's user. Its folder is not one of pytest's, because
    every pytest process makes those inaccessible to all users but root when it starts.
    """
    folder = Path(tempfile.mkdtemp(prefix="grdf-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # even if a test is interrupted
    _initialise(folder)
    port = free_port()
    child = processes.start(
        "PostgreSQL",
        [
            *_as_unprivileged(), program("postgres"), "-D", folder / "data", "-p", str(port), "-k", folder,
            "-h", "127.0.0.1", "-N", "200", "-F", "-c", "lc_messages=C",
        ],
        log=folder / "server.log",
        cwd=folder,
    )  # fmt: skip
    child.await_line("ready to accept connections", START_SECONDS)
    return Postgres(child, port, (folder / "password").read_text(encoding="ascii"))


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


def _as_unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    # Changing the user removes the tether of processes.py.
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "INT"]


def _initialise(folder: Path) -> None:
    (folder / "password").write_text(secrets.token_urlsafe(16), encoding="ascii")
    (folder / "password").chmod(0o600)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    options = ["-U", Postgres.user, "-A", "scram-sha-256", "--pwfile", folder / "password", "-E", "UTF8", "--no-sync"]
    command = [*_as_unprivileged(), program("initdb"), "-D", folder / "data", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessError(f"PostgreSQL's data could not be made: {done.stderr.strip()}")
