"""The bundle's DAG files, each with the ids of a share of the accounts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from include.gas.days.spread import DAG_FILES, dag_file_of

_TEXT = '''"""The DAGs of some accounts. The Airflow bundle of grdf.airflow.bundle writes this file, again and again."""

from grdf.account_dag import account_dags

globals().update(account_dags(lambda: %s))
'''


def write_missing(folder: Path) -> None:
    """Write missing files, without accounts: enough for a task, which builds the DAG that Airflow names."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in _paths(folder):
        if not path.is_file():
            _write(path, _text(()))


def write_changed(folder: Path, accounts: Iterable[str]) -> list[Path]:
    """Write the files whose accounts have changed, and return them."""
    shares: list[list[str]] = [[] for _ in range(DAG_FILES)]
    for account in sorted(accounts):
        shares[dag_file_of(account)].append(account)
    changed = []
    for path, share in zip(_paths(folder), shares, strict=True):
        if not path.is_file() or path.read_text(encoding="utf-8") != _text(share):
            _write(path, _text(share))
            changed.append(path)
    return changed


def _paths(folder: Path) -> list[Path]:
    return [folder / f"grdf_accounts_{number}.py" for number in range(DAG_FILES)]


def _text(accounts: Iterable[str]) -> str:
    return _TEXT % json.dumps(list(accounts), indent=0)


def _write(path: Path, text: str) -> None:
    """Write a file atomically: Airflow may be reading it, another process writing it."""
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
