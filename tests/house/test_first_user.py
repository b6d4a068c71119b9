"""The compose file's set-up of Airflow, on a real PostgreSQL: the first user, whose password no command line shows."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from werkzeug.security import check_password_hash

from include.sandbox.processes import Processes
from tests import postgres
from tests.databases import FAB

ROOT = Path(__file__).parents[2]
INIT = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]["airflow-init"]
FIRST, OTHER = "-an-invented-password-1", "an-invented-password-2"
USERS = """
SELECT username, password, email, r.name FROM ab_user u
JOIN ab_user_role a ON a.user_id = u.id JOIN ab_role r ON r.id = a.role_id
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    if not postgres.available():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with Processes() as processes:
        yield postgres.start_postgres(processes, airflow=True)


class Looker(threading.Thread):
    """Reads the command lines of all processes, as anybody on the machine may, until it is told to end.

    :param words: what it looks for
    """

    def __init__(self, *words: str) -> None:
        super().__init__(daemon=True)
        self.words = [word.encode() for word in words]
        self.seen: set[str] = set()
        self.looks = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.looks += 1
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = place.read_bytes()
                except OSError:  # it has ended
                    continue
                if any(word in line for word in self.words):
                    self.seen.add(line.replace(b"\0", b" ").decode(errors="replace"))


def set_up(server: postgres.Postgres, folder: Path, password: str) -> str:
    """Run the set-up's own commands, and return what it says.

    :param folder: Airflow's home
    """
    (script,) = INIT["command"]
    script = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", script).replace("$$", "$")
    env = os.environ | server.airflow_settings() | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "ADMIN_USER": "admin",
        "ADMIN_PASSWORD": password,
    }  # fmt: skip
    looker = Looker(password)
    looker.start()
    try:
        done = subprocess.run(
            [*INIT["entrypoint"], script], env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=600
        )
    finally:
        looker.over.set()
        looker.join()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert looker.looks > 10
    assert looker.seen == set()
    assert password not in said
    return said


def test_the_first_user_is_made_once(server: postgres.Postgres, tmp_path: Path) -> None:
    set_up(server, tmp_path, FIRST)
    with psycopg.connect(server.url) as database:
        (before,) = database.execute(USERS).fetchall()
        slots = database.execute("SELECT pool, slots FROM slot_pool WHERE pool = 'grdf'").fetchall()
        noted = database.execute("SELECT extra FROM log WHERE event = 'cli_users_create'").fetchall()
    name, password, *rest = before
    assert (name, rest) == ("admin", ["admin@example.org", "Admin"])
    assert check_password_hash(password, FIRST)
    assert slots == [("grdf", 12)]
    assert FIRST not in str(noted), "Airflow keeps a log of its commands"

    assert "admin already exist" in set_up(server, tmp_path, OTHER)
    with psycopg.connect(server.url) as database:
        assert database.execute(USERS).fetchall() == [before], "who exists keeps his own password"
