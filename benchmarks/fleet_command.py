"""``./grdf bench fleet``: a real Airflow and many accounts, for one daily pass, or at rest."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks import fleet_memory, plots_fleet
from benchmarks.fleet_asked import Asked
from benchmarks.plots import draw
from benchmarks.report import Report, machine


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf bench fleet",
        description="A real Airflow on PostgreSQL reads many accounts under GRDF's quota. Needs Debian's postgresql.",
    )
    parser.add_argument("--accounts", type=int, default=60, metavar="N", help="accounts (default: 60)")
    parser.add_argument(
        "--per-second", type=float, default=1.0, metavar="Q", help="GRDF's quota of each client, calls (default: 1)"
    )
    parser.add_argument(
        "--clients", type=int, choices=range(1, 5), default=1, metavar="C", help="clients at GRDF, 1 to 4 (default: 1)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of Airflow to try")
    parser.add_argument("--minutes", type=float, metavar="M", help="look at the pass for M minutes, not to its end")
    parser.add_argument(
        "--idle", type=float, metavar="M", help="no pass: what a fleet costs with nothing to do, M minutes"
    )
    parser.add_argument("--then", type=float, metavar="M", help="after the pass, start runs for M minutes (--every)")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="with --then: a run every S seconds")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="where the memory of each minute goes")
    parser.add_argument("--read", type=Path, metavar="FILE", help="only judge the samples of such a run, ended or not")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="with --csv or --read: also draw the curves, as PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to FILE")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = arguments(argv)
    report = Report("fleet")
    facts = machine()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
    if options.read:
        report.facts = {"samples": options.read.name}
        fleet_memory.judge(report, fleet_memory.read(options.read))
    else:
        _run(report, options)
    print("\n" + report.text(), flush=True)
    if options.plots and (file := options.read or options.csv):
        options.plots.mkdir(parents=True, exist_ok=True)
        for chart in plots_fleet.charts(fleet_memory.read(file)):
            print(f"drawn: {draw(chart, options.plots)}")
    if options.json:
        result = {"machine": facts, "fleet": report.data()}
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if report.wrong else 0


def _run(report: Report, options: argparse.Namespace) -> None:
    asked = Asked(
        accounts=options.accounts,
        per_second=options.per_second,
        clients=options.clients,
        minutes=options.minutes,
        then=options.then,
        every=options.every,
        csv=options.csv,
        idle=options.idle,
        settings=dict(pair.split("=", 1) for pair in options.set),
    )
    with tempfile.TemporaryDirectory(prefix="grdf-fleet-", ignore_cleanup_errors=True) as scratch:
        for name in list(os.environ):
            if name.startswith(("AIRFLOW__DATABASE__", "AIRFLOW__GRDF__", "AIRFLOW_CONFIG", "AIRFLOW_CONN_")):
                del os.environ[name]
        os.environ["AIRFLOW_HOME"] = scratch  # for this process's own hooks
        from benchmarks import fleet, fleet_idle

        (fleet_idle if asked.idle else fleet).run(report, Path(scratch), asked)
