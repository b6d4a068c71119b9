"""The command: runs all checks, prints a line per finding, ends with an exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from itertools import chain

from grdf.doctor.findings import Finding, findings_of

PATIENCE = "5"
"""Seconds to wait for Airflow's PostgreSQL, which has no limit by itself."""
AIRFLOW = "Airflow"
MARKS = {"ok": "ok", "look": "look", "bad": "BAD", "unknown": "?"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Return 1 if something must be mended."""
    parser = argparse.ArgumentParser(
        prog="./grdf doctor",
        description="Look whether this installation works. Nothing is changed; GRDF is asked for each client's list "
        "of rights once.",
        epilog="Exit codes: 0 nothing needs mending, 1 something does, 2 wrong usage.",
    )
    parser.add_argument(
        "--left", action="store_true", help="instead, list what there is of this project, for those who remove it"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args(argv)
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PGCONNECT_TIMEOUT", PATIENCE)
    out = sys.stdout
    with redirect_stdout(sys.stderr):  # Airflow's log lines are no part of the result
        found: list[Finding] = []
        for finding in _findings(_find_leftovers if options.left else _run_checks):
            found.append(finding)
            if not options.json:
                print(_line(finding), file=out, flush=True)
    bad = sum(finding.state == "bad" for finding in found)
    if options.json:
        print(json.dumps({"exit": int(bool(bad)), "findings": [asdict(each) for each in found]}), file=out)
    elif not options.left:
        print("Nothing needs mending." if not bad else f"{bad} thing(s) need mending.", file=out)
    return int(bool(bad))


def _findings(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield all findings. If Airflow cannot be loaded, it is the only one: Airflow reads all settings on import."""
    try:
        yield from look()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises; its text may quote a password
        missing = isinstance(error, ImportError) and error.name
        says = f"the package {missing} is missing" if missing else type(error).__name__
        yield Finding(
            "bad", f"it cannot be loaded, so nothing else was looked at: {says}",
            "Run airflow version here: it fails in the same way and says more. Often [database] sql_alchemy_conn "
            "(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN) is no address of a database, or needs a package that is missing.",
            AIRFLOW,
        )  # fmt: skip


def _run_checks() -> Iterator[Finding]:
    from grdf import settings
    from grdf.airflow.command_line import see_connections
    from grdf.doctor import airflow_checks, client_checks, couchdb_checks, machine_checks
    from grdf.doctor.account_checks import check_accounts
    from grdf.hooks.adict import AdictHook

    airflow = airflow_checks.read_airflow()
    if not isinstance(airflow, Finding):  # otherwise each look for a connection would wait, too
        see_connections()
    yield from findings_of("versions", machine_checks.report_versions)
    yield from findings_of("settings", machine_checks.check_settings)
    for client in settings.connections.or_default():
        yield from findings_of(f"GRDF ({client})", partial(client_checks.check_client, AdictHook(client)))
    couchdb = couchdb_checks.hook_of_doctor()
    readable = yield from findings_of(
        "CouchDB", lambda: chain(couchdb_checks.check_connection(couchdb), couchdb_checks.check_log(couchdb))
    )
    yield from findings_of("staging", machine_checks.check_staging)
    yield from findings_of(AIRFLOW, partial(airflow_checks.check_airflow, airflow))
    if readable:
        yield from findings_of("accounts", partial(check_accounts, couchdb, airflow))
    else:
        yield Finding("unknown", "they were not looked at, because CouchDB cannot be read", what="accounts")


def _find_leftovers() -> Iterator[Finding]:
    from grdf.airflow.command_line import see_connections
    from grdf.doctor.leftovers import find_leftovers

    see_connections()
    yield from find_leftovers()


def _line(finding: Finding) -> str:
    says = finding.says[:1].upper() + finding.says[1:].rstrip(".")
    return f"{MARKS[finding.state]:5} {finding.what:20} {says}." + (f" {finding.do}" if finding.do else "")


if __name__ == "__main__":
    sys.exit(main())
