"""All commands of ``docs/operations.md``, in its order, on an installation that holds a connected household."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from include.gas.documents.gas_days import dag_id
from tests.commands import Shell, commands
from tests.compose.household import connect, corrects, days, is_right
from tests.compose.installation import PATIENCE, ROOT, Installation

ACCOUNT = "compose-90502"
PAGE = commands(ROOT / "docs" / "operations.md")


@pytest.fixture(scope="module")
def connected(installation: Installation) -> Installation:
    """An installation that has read a household."""
    connect(installation, ACCOUNT)
    assert installation.end_of(dag_id(ACCOUNT))["state"] == "success"
    assert is_right(installation, ACCOUNT)
    return installation


@pytest.fixture(scope="module")
def shell(connected: Installation) -> Iterator[Shell]:
    return Shell(connected.folder, os.environ | connected.variables())


def reads_on(installation: Installation, kwh: int) -> None:
    """Check that everything runs, and that GRDF's correction of a day arrives."""
    installation.env = installation.filled_in()
    assert installation.odd() == {}
    corrects(installation, ACCOUNT, kwh)


def test_what_is_lost_comes_back(connected: Installation, shell: Shell) -> None:
    """What GRDF has corrected since the backup is read again by the next run."""
    before = days(connected, ACCOUNT)
    (backup,) = PAGE["Back up"]
    shell.run(backup, seconds=PATIENCE)
    (made,) = (connected.folder / "backup").iterdir()
    assert {each.stat().st_mode & 0o777 for each in (made, made.parent)} == {0o700}
    assert (made / "complete").exists()
    reads_on(connected, 71)
    for name in (".env", "settings.env"):
        (connected.folder / name).unlink()
    (connected.folder / ".env").write_bytes((made / ".env").read_bytes())  # for compose itself
    (restore,) = PAGE["Restore"]
    shell.run(restore, seconds=PATIENCE)
    assert connected.odd() == {}
    assert days(connected, ACCOUNT) == before
    reads_on(connected, 72)


def test_an_upgrade_starts_everything_again(connected: Installation, shell: Shell) -> None:
    (block,) = commands(ROOT / "docs" / "upgrade.md")["With Docker Compose"]
    shell.run(block, seconds=PATIENCE)
    reads_on(connected, 91)


def test_every_secret_can_be_replaced(connected: Installation, shell: Shell) -> None:
    written = connected.filled_in()
    blocks = PAGE["New secrets"]
    for kwh, block in enumerate(blocks[:-1], start=73):
        shell.run(block, seconds=PATIENCE)
        if "docker" in block:
            reads_on(connected, kwh)
    now = connected.filled_in()
    ours = {name for name in now if re.search("PASSWORD|SECRET|_KEY", name) and "GRDF" not in name and now[name]}
    assert {name for name in ours if now[name] == written[name]} == {"AIRFLOW_ADMIN_PASSWORD"}
    (own,) = blocks[-1:]
    shell.run(own, seconds=PATIENCE)
    with pytest.raises(Exception, match="401"):
        connected.token()


def test_what_airflow_forgets(connected: Installation, shell: Shell) -> None:
    (block,) = PAGE["What is kept how long"]
    told = shell.run(block, seconds=PATIENCE)
    assert "dag_run" in told
