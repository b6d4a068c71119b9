"""The benchmarks run at a tiny size, and notice what is stored wrong. The measured times are not checked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = "--accounts 3 --days 40 --years 0.1 --repeat 1"
OFF_BY_ONE = """
from include.gas.documents import storing
true_years = storing.year_documents
storing.year_documents = lambda *given: {
    key: total | {"load": total["load"] + 1} for key, total in true_years(*given).items()
}
"""
START = """
import sys
from benchmarks import __main__ as bench
true_run, wrong = bench.run, [{sabotage!r}]
def run(*given):
    while wrong:
        exec(wrong.pop(), globals())
    true_run(*given)
bench.run = run
sys.exit(bench.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("names", "sabotage", "noticed"),
    [
        (("parse", "peers", "page", "store", "cozy", "lake", "city"), "", ()),
        (("store",), OFF_BY_ONE, ("totals not the sum of stored days",)),
    ],
    ids=["right", "wrong"],
)
def test_they_fail_where_something_is_wrong(
    tmp_path: Path, names: tuple[str, ...], sabotage: str, noticed: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-Pc", START.format(sabotage=sabotage), *names, *TINY.split(), "--json", tmp_path / "json"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == bool(noticed), done.stdout + done.stderr
    reports = json.loads((tmp_path / "json").read_text())
    wrong = [each for name in names for each in reports[name]["wrong"]]
    assert bool(wrong) is bool(noticed), wrong
    assert all(any(each in text for text in wrong) for each in noticed), wrong
    assert all(table for name in names for table in reports[name]["tables"].values())
