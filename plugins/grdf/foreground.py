"""One account's tasks in the foreground, without a scheduler: for cron, trials, and a household on the phone.

``./grdf run``, or ``python -m grdf.foreground``. Airflow's database is not needed and records nothing; other DAGs do
not hear of the changes. A scheduled run at the same time does no harm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from include.gas.days.gas_day import parse_day
from include.gas.errors import GasError, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.operators.base import AccountOperator

CODES = {"done": 0, "failed": 1, "skipped": 3, "later": 4}
"""Exit codes by the outcome of the last step; 2 is wrong usage, 130 an interruption."""
TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 15.0, 600.0
"""Seconds before the next try. Each wait doubles, unless GRDF or its quota sets it."""
RUN = f"foreground__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
COUNTS = ("new", "corrected", "confirmed", "unchanged", "absent")
TOKENS: dict[str, str] = {}
"""This process's data tokens: outside a task, no Variable can be written."""


@dataclass
class Step:
    """A step of the account's DAG that was performed, with an outcome of :data:`CODES` and its seconds with waits."""

    task: str
    outcome: str = "done"
    seconds: float = 0.0
    says: str = ""
    result: dict[str, Any] = field(default_factory=dict)


def run(options: argparse.Namespace) -> list[Step]:
    """Perform the requested steps until one is skipped or fails, and print their outcomes."""
    from grdf.operators.acquire_token import AcquireTokenOperator
    from grdf.operators.extract import ExtractOperator
    from grdf.operators.history import ReadHistoryOperator
    from grdf.operators.load import LoadOperator
    from grdf.operators.rescope_token import RescopeTokenOperator

    kinds: dict[str, type[AccountOperator]] = {
        "acquire_token": AcquireTokenOperator,
        "rescope_token": RescopeTokenOperator,
        **({"read": ReadHistoryOperator} if options.first else {"extract": ExtractOperator, "load": LoadOperator}),
    }
    steps: list[Step] = []
    for task, kind in kinds.items():
        more = {"staged": steps[-1].result} if task == "load" else {}
        step, start = Step(task), time.monotonic()
        steps.append(step)
        _perform(step, kind, more, options)
        step.seconds = round(time.monotonic() - start, 1)
        counts = ", ".join(f"{step.result[name]} {name}" for name in COUNTS if step.result.get(name))
        print(f"{step.task:14} {step.outcome:8} {step.seconds:6.1f} s  {counts}".rstrip())
        if step.says:
            print(f"  {step.says}")
        if step.outcome != "done":
            break
    return steps


def _perform(step: Step, kind: type[AccountOperator], more: dict[str, Any], options: argparse.Namespace) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from grdf.hooks.adict import AdictHook

    tries = 1 if options.no_wait else TRIES
    for number in range(1, tries + 1):
        operator = kind(task_id=step.task, account_id=options.account, **more)
        operator.adict = AdictHook(token_store=TOKENS)
        try:
            step.result = dict(operator.perform(_context(number, tries, options)) or {})
            if (unasked := step.result.get("unasked")) and number == 1 and not step.result.get("calls"):
                why = " ".join(f"{clause[:1].upper()}{clause[1:]}." for clause in unasked)
                step.outcome, step.says = "skipped", f"Account {options.account}: GRDF was asked for no day. {why}"
            return
        except RetryLater as error:
            if number == tries:
                step.outcome, step.says = "later", str(error)
                return
            wait = min(error.retry_after or FIRST_WAIT * 2 ** (number - 1), LONGEST_WAIT)
            print(f"  {error} Next try in {wait:.0f} s.")
            time.sleep(wait)
        except (AirflowSkipException, GasError) as error:
            step.outcome, step.says = "failed" if isinstance(error, GasError) else "skipped", str(error)
            return


def _context(number: int, tries: int, options: argparse.Namespace) -> Context:
    first, end = options.first, options.end
    range_ = {"from": str(first), "to": str(end), "include_definitive": False} if first else {}
    task = SimpleNamespace(try_number=number, max_tries=tries - 1, run_id=RUN, dag_id="grdf_run", task_id="read")
    started = SimpleNamespace(run_type="manual" if range_ else "scheduled", run_after=datetime.now(UTC), conf={})
    events = defaultdict[Any, Any](SimpleNamespace)  # nothing reads them
    return cast("Context", {"run_id": RUN, "dag_run": started, "ti": task, "params": range_, "outlet_events": events})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _arguments(argv)
    if not options.verbose:
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    out = sys.stdout
    with redirect_stdout(sys.stderr):  # Airflow's log lines are no part of the result
        from grdf.airflow.command_line import see_connections

        see_connections()
        try:
            steps = run(options)
        except KeyboardInterrupt:
            print("grdf: interrupted. Nothing is lost: the next run goes on.", file=sys.stderr)
            return 130
    code = CODES[steps[-1].outcome]
    if options.json:
        print(
            json.dumps({"account": options.account, "exit": code, "steps": [asdict(step) for step in steps]}), file=out
        )
    return code


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf run",
        description="Run one account's tasks here and now, without a scheduler. Days of a past range that are "
        "definitive are not asked for again.",
        epilog="Exit codes: 0 done, 1 a person must do something, 2 wrong usage, 3 nothing was asked (the text says "
        "why), 4 GRDF or CouchDB did not answer, so try again later.",
    )
    parser.add_argument("account", help="the account's id")
    parser.add_argument(
        "--from", dest="first", type=_day, metavar="D", help="first gas day of a past range (YYYY-MM-DD)"
    )
    parser.add_argument("--to", dest="end", type=_day, metavar="D", help="the day after its last one")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")
    parser.add_argument("--no-wait", action="store_true", help="try once, and end instead of waiting, with exit code 4")
    parser.add_argument("--verbose", action="store_true", help="also show what the tasks log")
    options = parser.parse_args(argv)
    if (options.first is None) != (options.end is None):
        parser.error("give --from and --to, or neither")
    if options.first and options.end <= options.first:
        parser.error("--to must be after --from: it is the day after the last one")
    return options


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2026-03-28") from None


if __name__ == "__main__":
    sys.exit(main())
