"""Run a benchmark as ``./grdf bench`` does, optionally with something broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

SABOTAGED = """
import sys
from benchmarks import __main__ as bench

honest = bench.run

def run(report, home, options):
    {sabotage}
    honest(report, home, options)

bench.run = run
sys.exit(bench.main(sys.argv[1:]))
"""


def bench(tmp_path: Path, name: str, *arguments: str, sabotage: str | None = None) -> tuple[int, str, dict[str, Any]]:
    """Run a benchmark once, and return its exit code, its output and its figures.

    :param tmp_path: folder for its figures
    :param name: the benchmark's name
    :param arguments: further command-line arguments
    :param sabotage: Python code to run in it before it begins, indented by four spaces
    """
    file = tmp_path / "figures.json"
    start = ("-m", "benchmarks") if sabotage is None else ("-c", SABOTAGED.format(sabotage=sabotage))
    done = subprocess.run(
        [sys.executable, "-P", *start, name, *arguments, "--repeat", "1", "--json", str(file)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert file.exists(), done.stdout + done.stderr
    return done.returncode, done.stdout, json.loads(file.read_text())[name]


def rows(report: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """Return a table of a report.

    :param title: the beginning of the table's title
    """
    return next(rows for name, rows in report["tables"].items() if name.startswith(title))


A_DOCUMENT_LESS = """
    from grdf.hooks.couchdb import CouchDBHook
    true = CouchDBHook.write
    def write(self, doctype, docs):
        docs = list(docs)
        done = true(self, doctype, docs[:-1] if len(docs) > 1 else docs)
        done.written.add(docs[-1]["_id"])
        done.revisions.setdefault(docs[-1]["_id"], "1-0")
        return done
    CouchDBHook.write = write
"""
"""Makes the hook claim to have stored everything, although it has not."""
