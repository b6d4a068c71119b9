"""``docs/operations.md`` where a step fails: nothing goes on as if it had not, and no only key is thrown away.

Docker is replaced by a program that fails at one step; with real containers the page is tried in ``tests/compose``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import commands

ROOT = Path(__file__).parents[2]
PAGE = commands(ROOT / "docs" / "operations.md")
DOCKER = """#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in *"$FAIL"*) [ -z "$FAIL" ] || exit 1 ;; esac
case "$*" in *pg_dump*) echo dump ;; *"-cf -"*) tar -cf - -C "$HERE" .env ;; esac
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a filled ``.env``, and the program."""
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (tmp_path / ".env").write_text("FERNET_KEY=former-key\nPOSTGRES_PASSWORD=former-password\n")
    return tmp_path


NEW = (
    *("POSTGRES_PASSWORD", "COUCHDB_PASSWORD", "COUCHDB_ADMIN_PASSWORD"),
    "REDIS_PASSWORD",
    *("JWT_SECRET", "API_SECRET_KEY", "FERNET_KEY"),
)


def typed(here: Path, block: str, *, fail: str = "") -> str:
    """Paste a block into a shell, which goes on after each command whatever it did, and return what docker was told."""
    return run(here, block, fail=fail)[0]


def run(here: Path, block: str, *, fail: str = "") -> tuple[str, str]:
    """Do the same, and return what the shell has printed as well."""
    told = here / "told"
    told.write_text("")
    helpers = PAGE["New secrets"][0]
    env = {"PATH": f"{here}/bin:{os.environ['PATH']}", "TOLD": str(told), "FAIL": fail, "HERE": str(here)}
    done = subprocess.run(
        ["bash", "-c", f"{helpers}\n{block}"],
        cwd=here,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return told.read_text(), done.stdout


def block(title: str, word: str) -> str:
    (found,) = [each for each in PAGE[title] if word in each]
    return found


def secret(here: Path, name: str) -> str:
    lines = dict(line.split("=", 1) for line in (here / ".env").read_text().splitlines())
    return lines[name]


def test_the_former_key_stays_until_everything_is_encrypted_anew(here: Path) -> None:
    typed(here, block("New secrets", "rotate-fernet-key"), fail="rotate-fernet-key")
    assert secret(here, "FERNET_KEY").endswith(",former-key")
    typed(here, block("New secrets", "rotate-fernet-key"))
    assert "former-key" not in secret(here, "FERNET_KEY")


def test_a_password_that_postgresql_has_not_taken_is_not_written(here: Path) -> None:
    typed(here, block("New secrets", "ALTER USER"), fail="psql")
    assert secret(here, "POSTGRES_PASSWORD") == "former-password"


def test_no_command_line_holds_a_new_secret(here: Path) -> None:
    """All users of the machine can read the command lines of all processes."""
    sed = here / "bin" / "sed"
    sed.write_text(f'#!/bin/sh\necho "sed $*" >> "$TOLD"\nexec {shutil.which("sed")} "$@"\n')
    sed.chmod(0o755)
    (here / ".env").write_text("".join(f"{name}=former-{name}\n" for name in NEW))
    told, said = "", ""
    for each in PAGE["New secrets"][1:]:
        found = run(here, each)
        told, said = told + found[0], said + found[1]
    held = {name: secret(here, name) for name in NEW}
    assert [name for name, value in held.items() if "former" in value] == []
    (shown,) = re.findall(r"(?m)^[0-9a-f]{32}$", said)
    assert told.count("sed ") > len(NEW)
    assert "reset-password" in told
    assert [name for name, value in {**held, "the user's password": shown}.items() if value in told] == []


@pytest.mark.parametrize("fail", ["pg_dump", "stop couchdb", "-cf -", "pg_restore --list"])
def test_a_backup_that_failed_is_not_complete_and_couchdb_runs_again(here: Path, fail: str) -> None:
    """A former backup is left as it is, and is what a restore takes."""
    (backup,) = PAGE["Back up"]
    typed(here, backup)
    (good,) = (here / "backup").glob("*/complete")
    former = here / "backup" / "2026-01-01-000000"
    good.parent.rename(former)
    told = typed(here, backup, fail=fail)
    assert [each.parent for each in (here / "backup").glob("*/complete")] == [former]
    assert told.splitlines()[-1] == "compose up --detach --wait couchdb"
    (restore,) = PAGE["Restore"]
    assert "down --volumes" in typed(here, restore)


def test_what_is_there_is_not_removed_without_a_complete_backup(here: Path) -> None:
    (restore,) = PAGE["Restore"]
    assert typed(here, restore) == ""
    assert secret(here, "FERNET_KEY") == "former-key"


def test_all_files_with_settings_are_kept(here: Path) -> None:
    (here / "docker-compose.override.yaml").write_text("services: {}\n")
    typed(here, PAGE["Back up"][0])
    (good,) = (here / "backup").glob("*/complete")
    assert {".env", "docker-compose.override.yaml"} <= {each.name for each in good.parent.iterdir()}


@pytest.mark.parametrize(
    "page", ["README.md", "docs/install.md", "docs/compose.md", "docker-compose.yaml", ".env.example"]
)
def test_no_page_overwrites_a_filled_form(page: str) -> None:
    """The shell empties the file before ``./grdf env`` starts, so the command must not be typed without its guard."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("./grdf env > .env") == text.count("[ -e .env ] || ./grdf env > .env") > 0
