"""Whole runs of an account's DAG, task by task in this process, with the session's sandbox and CouchDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def own_home(clean: LocalWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path
