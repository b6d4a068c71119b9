"""The benchmarks run at a tiny size, and really check what was stored. The measured times are not checked here."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks.household import Household
from tests.couch_places import Stored

ROOT = Path(__file__).resolve().parents[2]


def bench(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks", *arguments, "--repeat", "1", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(file.read_text())


def rows(report: dict[str, Any], title: str) -> list[dict[str, Any]]:
    return next(rows for name, rows in report["tables"].items() if name.startswith(title))


def test_parse_measures_our_file_beside_the_ordinary_way(tmp_path: Path) -> None:
    text, figures = bench(tmp_path, "parse", "--accounts", "3")
    report = figures["parse"]
    assert report["wrong"] == []
    assert [target["limit"] for target in report["targets"]] == [5.0]
    ours, naive, *_ = rows(report, "Build and serialise")
    assert ours["both"] == pytest.approx(ours["build"] + ours["serialise"])
    assert naive["of naive"] == 1
    assert [row["DAGs built"] for row in rows(report, "A worker")] == [1, 3]
    assert len(rows(report, "Writing DAGs")) == 5
    assert "Build and serialise" in text
    assert figures["machine"]["airflow"] in text


def test_load_verifies_what_every_way_has_stored(tmp_path: Path) -> None:
    _, figures = bench(tmp_path, "load", "--days", "40")
    report = figures["load"]
    assert report["wrong"] == []
    assert [target["limit"] for target in report["targets"]] == [10, 2.0]
    first = {row["way"]: row for row in rows(report, "First import")}
    assert first["one raw _bulk_docs"]["requests"] == 1
    assert first["ours (load_answer)"]["requests"] <= 10
    # 40 days, 2 months and 2 years, a request for each document; a doctype is read once per total and once per store.
    assert first["the konnector's way"]["requests"] == 40 + 2 + 2 + (1 + 2 + 1 + 2 + 1)
    assert any("2 days wrong" in remark for remark in report["remarks"])


def test_a_store_that_differs_is_noticed() -> None:
    household = Household(40)
    days = list(household.later.items())
    sums = {
        period: sum(load for day, load in days if day.isoformat().startswith(period))
        for period in ("2025-12", "2026-01", "2025", "2026")
    }
    right = Stored(days, list(sums.items())[:2], list(sums.items())[2:])
    assert not any(right.differences(household.later).values())

    day, load = right.days[3]
    wrong = Stored([*right.days[:3], *right.days[4:]], [*right.months, ("2025-12", 1)], right.years[:1])
    assert wrong.differences(household.later) == {
        "days missing": 1,
        "days wrong": 0,
        "days too many": 0,
        "totals not the sum of stored days": 3,
        "totals not GRDF's": 2,
    }
    twice = Stored([*right.days, (day, load + 1), (date(2020, 1, 1), 1)], right.months, right.years)
    assert twice.differences(household.later)["days too many"] == 2


def test_page_verifies_what_it_shows(tmp_path: Path) -> None:
    _, figures = bench(tmp_path, "page", "--accounts", "60")
    report = figures["page"]
    assert report["wrong"] == []
    assert [target["limit"] for target in report["targets"]] == [100, 2, 300, 2, 150]
    costs = {row["way"]: row for row in rows(report, "What the page costs")}
    assert costs["the fleet"]["requests"] == costs["the list, first page"]["requests"] == 1
    assert costs["an account's view"]["requests"] == 4
