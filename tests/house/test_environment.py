"""``./grdf env``: a new ``.env`` for the compose file, made without any set-up."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[2]
YOURS = {
    *("GRDF_CLIENT_ID", "GRDF_CLIENT_SECRET", "GRDF_DELETE_CLIENT_ID", "GRDF_DELETE_CLIENT_SECRET"),
    "GRDF_REDIRECT_URI",
}
"""What nobody but the owner of the contract with GRDF knows."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the command needs: no environment of Python's, no lock."""
    (tmp_path / "deploy").mkdir()
    for name in ("grdf", ".env.example", "deploy/environment.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def made(house: Path, *, python: str = "python3") -> dict[str, str]:
    """Run the command as the README says, and return what is in the file."""
    command = f"'{house}/grdf' env > '{house}/.env'"
    env = {"PATH": "/usr/bin:/bin", "GRDF_PYTHON": python}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Now fill in" in done.stderr
    return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (house / ".env").read_text(encoding="utf-8")))


def test_every_secret_that_can_be_made_is_made_anew(house: Path) -> None:
    one, two = made(house), made(house)
    words = ("PASSWORD", "SECRET", "KEY")
    secret = {name for name in one if any(word in name for word in words) and name not in YOURS} - {"TLS_KEY"}
    assert len(secret) == 8
    for name in secret:
        assert len(one[name]) >= 32, name
        assert one[name] != two[name], name
    assert len({one[name] for name in secret}) == len(secret)
    assert all(one[name].isalnum() for name in secret if name.endswith("_PASSWORD")), "they become part of addresses"
    Fernet(one["FERNET_KEY"].encode())


def test_the_rest_is_the_form(house: Path) -> None:
    form = dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text()))
    filled = made(house)
    assert filled.keys() == form.keys()
    assert {filled[name] for name in YOURS} == {""}


def test_nobody_else_may_read_it(house: Path) -> None:
    made(house)
    assert (house / ".env").stat().st_mode & 0o777 == 0o600
