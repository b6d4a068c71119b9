"""``./grdf bench [name ...] [--json FILE]``: run benchmarks, and print tables and missed targets.

The exit code is 1 if something was stored wrongly. A missed target is no failure: times depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.report import Report

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("parse", "peers", "quota", "quota-fleet", "store", "page", "cozy", "lake", "city")


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf bench",
        description="Benchmarks, each beside its alternative.",
        epilog="One more starts a whole Airflow and is run by its name alone: fleet (see its --help).",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones (default: all): {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to FILE")
    parser.add_argument("--repeat", type=_count, metavar="R", help="measurements of each figure (default: 7; peers 5)")
    parser.add_argument(
        "--accounts",
        type=_count,
        metavar="N",
        help="accounts (default: parse and city 200, quota and lake 100, quota-fleet 215, cozy 15)",
    )
    parser.add_argument(
        "--years", type=float, metavar="Y", help="store, cozy, lake: history of each account (default: 1; lake 3)"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="filling ends after so long (default: store 6, cozy 60, lake 20)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="store, cozy: keep it there; a later call goes on with it"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="also draw the curves there, as PNG")
    parser.add_argument("--days", type=_count, metavar="D", help="peers: days of the first import (default: 3 years)")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: choose of {', '.join(NAMES)}")
    return options


def scratch_airflow(home: Path) -> None:
    """Set up a home and SQLite database for Airflow, before its first import."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW__DATABASE__", "AIRFLOW__GRDF__", "AIRFLOW_CONFIG")):
            del os.environ[name]
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(ROOT / "plugins")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    # In production, passes over a DAG file are further apart than this; here they follow each other at once.
    os.environ["AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL"] = "0"


def run(report: Report, home: Path, options: argparse.Namespace) -> None:
    """Run one benchmark, importing only what it needs: one measures the cost of importing our modules."""
    if report.name == "parse":
        from benchmarks import parse

        parse.run(report, home, accounts=options.accounts or 200, repeat=options.repeat or 7)
    elif report.name == "quota":
        from benchmarks import quota

        quota.run(report, home, accounts=options.accounts)
    elif report.name == "quota-fleet":
        from benchmarks import quota_fleet

        quota_fleet.run(report, home, accounts=options.accounts)
    elif report.name in ("store", "cozy", "lake", "city"):
        place = home / report.name  # each fills a store of its own
        place.mkdir(exist_ok=True)
        import_module(f"benchmarks.{report.name}").run(
            report,
            place,
            accounts=options.accounts,
            years=options.years,
            minutes=options.minutes,
            repeat=options.repeat,
            keep=options.keep,
        )
    elif report.name == "page":
        from benchmarks import page

        page.run(report, home, accounts=options.accounts, repeat=options.repeat)
    else:
        from benchmarks import peers

        peers.run(report, home, days=options.days, repeat=options.repeat or 5)


def main(argv: list[str]) -> int:
    if argv[:1] == ["fleet"]:  # a whole Airflow on PostgreSQL, with its own options; never part of "all"
        from benchmarks import fleet_command

        return fleet_command.main(argv[1:])
    options = arguments(argv)
    with tempfile.TemporaryDirectory(prefix="grdf-bench-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch)
        scratch_airflow(home)
        from benchmarks.report import Report, machine

        facts = machine()
        print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
        reports = []
        for name in options.names or NAMES:
            report = Report(name)
            run(report, home, options)
            print("\n" + report.text(), flush=True)
            reports.append(report)
    result = {"machine": facts, **{report.name: report.data() for report in reports}}
    if options.plots:
        from benchmarks.plots import draw_all

        print(*(f"drawn: {file}" for file in draw_all(result, options.plots)), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(report.wrong for report in reports) else 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
