"""Node.js and the npm packages of the embedded CouchDB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.sandbox.couch import NodeError, install_node_modules, node, node_binary
from include.sandbox.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


def test_packages_are_installed_once_by_two_at_once(tmp_path: Path) -> None:
    target = tmp_path / "packages"
    code = f"from pathlib import Path; from include.sandbox.couch import *; install_node_modules(Path({str(target)!r}))"
    runs = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert (target / "node_modules" / "express-pouchdb").is_dir()
    assert [entry.name for entry in tmp_path.iterdir()] == ["packages"]
    made = (target.stat().st_ino, (target / "node_modules").stat().st_mtime_ns)
    assert install_node_modules(target) == target
    assert (target.stat().st_ino, (target / "node_modules").stat().st_mtime_ns) == made, "it is left as it is"


def test_no_network_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(
        NodeError, match=r"^The embedded CouchDB's npm packages could not be fetched: no network[^\n]*$"
    ):
        install_node_modules(tmp_path / "here" / "packages")
    assert list((tmp_path / "here").iterdir()) == []


def test_an_old_node_on_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_wheel", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeError, match="No Node"):
        node_binary()
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.1\n")
    old.chmod(0o755)
    with pytest.raises(NodeError, match=r"v18.20.1, too old"):
        node_binary()
    old.write_text("#!/bin/sh\necho v22.1.0\n")
    assert node_binary() == old


def test_the_lock_names_no_registry() -> None:
    text = (ROOT / "include" / "sandbox" / "couch" / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all("resolved" not in entry for entry in packages.values())
    assert all("integrity" in entry for path, entry in packages.items() if path)
