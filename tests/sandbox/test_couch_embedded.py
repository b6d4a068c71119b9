"""What is specific to the embedded CouchDB: its process, folder, password and packages."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import ProcessError
from tests.sandbox.couch import Couch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "couch"


def session(couch: EmbeddedCouch) -> Couch:
    return Couch(couch.url, (couch.user, couch.password))


@pytest.mark.parametrize("memory", [False, True])
def test_a_restart_keeps_the_password_and_perhaps_the_data(folder: Path, memory: bool) -> None:
    names = ["plain", "prefix/io-cozy-accounts"]
    with EmbeddedCouch(folder, memory=memory) as couch, session(couch) as http:
        for name in names:
            http.told("PUT", "/" + name.replace("/", "%2F"), 201)
        first = couch.password
        for file, mode in ((folder, 0o700), (folder / "password", 0o600)):
            assert stat.S_IMODE(file.stat().st_mode) == mode
        assert first not in Path(f"/proc/{couch.pid}/cmdline").read_text()
    assert first not in (folder / "couch.log").read_text()
    with EmbeddedCouch(folder, memory=memory) as couch, session(couch) as http:
        assert couch.password == first
        assert http.told("GET", "/_all_dbs") == ([] if memory else names)


def test_one_server_a_folder(folder: Path) -> None:
    with EmbeddedCouch(folder), pytest.raises(ProcessError, match="in use by another embedded CouchDB"):
        EmbeddedCouch(folder).__enter__()
    with EmbeddedCouch(folder):
        pass


def test_the_lock_names_no_registry() -> None:
    text = (ROOT / "include" / "sandbox" / "couch" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert all("integrity" in entry for path, entry in packages.items() if path)
