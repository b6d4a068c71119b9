"""``docs/operations.md`` where a step fails: nothing goes on as if it had not, and no only key is thrown away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import commands

PAGE = commands(Path(__file__).parents[2] / "docs" / "operations.md")
(BACKUP,), (RESTORE,), (HELPERS, *SECRETS) = PAGE["Back up"], PAGE["Restore"], PAGE["New secrets"]
DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *"$FAIL"*) [ -z "$FAIL" ] || exit 1 ;; esac
case "$*" in *pg_dump*) echo dump ;; *"-cf -"*) tar -cf - -C "$HERE" .env ;; esac
"""
NEW = (
    *("POSTGRES_PASSWORD", "COUCHDB_PASSWORD", "COUCHDB_ADMIN_PASSWORD", "REDIS_PASSWORD"),
    *("JWT_SECRET", "API_SECRET_KEY", "FERNET_KEY"),
)


class Here:
    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, ""
        (folder / "bin").mkdir()
        self.put_program("docker", DOCKER)
        (folder / ".env").write_text("".join(f"{name}=former-{name}\n" for name in NEW))

    def put_program(self, name: str, text: str) -> None:
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def type(self, block: str, fail: str = "") -> str:
        calls = self.folder / "calls"
        calls.write_text("")
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        env = {"PATH": path, "CALLS": str(calls), "FAIL": fail, "HERE": str(self.folder)}
        done = subprocess.run(
            ["bash", "-c", f"{HELPERS}\n{block}"], cwd=self.folder, env=env, check=False, capture_output=True, text=True
        )
        self.said += done.stdout
        return calls.read_text()

    def secret(self, name: str) -> str:
        return dict(line.split("=", 1) for line in (self.folder / ".env").read_text().splitlines())[name]

    def backups(self) -> list[Path]:
        return [each.parent for each in (self.folder / "backup").glob("*/complete")]


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_a_secret_that_has_not_taken_effect_is_not_the_only_one_that_is_kept(here: Here) -> None:
    (block,) = [each for each in SECRETS if "ALTER USER" in each]
    for fail, changed in (("psql", set()), ("rotate-fernet-key", {*NEW}), ("", {*NEW})):
        before = {name: here.secret(name) for name in NEW}
        calls = here.type(block, fail=fail)
        assert {name for name in NEW if here.secret(name) != before[name]} == changed
        assert calls.splitlines()[-1] == "compose up --detach --wait"
        former = before["FERNET_KEY"] in here.secret("FERNET_KEY")
        assert former is bool(fail), "until everything is encrypted anew"


def test_no_command_line_holds_a_new_secret(here: Here) -> None:
    """All users of the machine can read the command lines of all processes."""
    here.put_program("sed", f'#!/bin/sh\necho "sed $*" >> "$CALLS"\nexec {shutil.which("sed")} "$@"\n')
    calls = "".join(map(here.type, SECRETS))
    held = {name: here.secret(name) for name in NEW}
    assert [name for name, value in held.items() if "former" in value] == []
    (shown,) = re.findall(r"(?m)^[0-9a-f]{32}$", here.said)
    assert calls.count("sed ") > len(NEW)
    assert "reset-password" in calls
    assert [name for name, value in {**held, "the user's password": shown}.items() if value in calls] == []


@pytest.mark.parametrize("fail", ["pg_dump", "stop couchdb", "-cf -", "pg_restore --list"])
def test_a_backup_that_failed_is_not_complete_and_couchdb_runs_again(here: Here, fail: str) -> None:
    assert here.type(RESTORE) == ""
    assert here.secret("FERNET_KEY") == "former-FERNET_KEY"
    (here.folder / "docker-compose.override.yaml").write_text("services: {}\n")
    here.type(BACKUP)
    (good,) = here.backups()
    assert {".env", "docker-compose.override.yaml"} <= {each.name for each in good.iterdir()}, "all with settings"
    former = good.rename(good.with_name("2026-01-01-000000"))
    calls = here.type(BACKUP, fail=fail)
    assert here.backups() == [former]
    assert calls.splitlines()[-1] == "compose up --detach --wait couchdb"
    assert "down --volumes" in here.type(RESTORE)
