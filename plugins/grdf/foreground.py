"""One account's tasks in the foreground, without a scheduler: for cron, for trying, and for a household on the phone.

``./grdf run`` runs it, or ``python -m grdf.foreground`` where ``./grdf`` is not available. It performs the same
tasks as the account's DAG, one after the other, with the connections and settings of this environment. Airflow's
database is not needed and learns nothing of it: no run is recorded, and other DAGs are told of the changes by the next
load that the scheduler runs. A run of the scheduler at the same time does no harm: loads may run twice at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from include.gas.days.gas_day import parse_day
from include.gas.errors import GasError, QuotaWait, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.operators.base import GrdfOperator

DONE, NEEDS_A_PERSON, NOTHING_TO_DO, LATER = 0, 1, 3, 4
"""Exit codes. 2 is wrong usage, 130 an interruption."""
FIRST_WAIT, LONGEST_WAIT = 15.0, 600.0
"""Seconds before the next try of a step that failed for the moment; each wait is twice as long as the one before."""
RUN = f"foreground__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
COUNTS = ("new", "corrected", "confirmed", "completed", "unchanged", "absent")


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    :param first: first gas day of a past range, included; ``None`` for what a daily run reads
    :param end: the gas day after the range's last one; ``None`` as well
    :param tries: how often a step is tried that fails for the moment
    :param wait: whether to wait for GRDF's quota and between tries
    """

    account: str
    first: date | None = None
    end: date | None = None
    tries: int = 4
    wait: bool = True


@dataclass
class Step:
    """A step that was performed.

    :param task: name of the task in the account's DAG
    :param outcome: ``done``, ``skipped``, ``failed`` or ``later``
    :param seconds: how long it took, with its waits
    :param says: in words what a person should know; ``""`` if nothing
    :param result: what the task returned
    """

    task: str
    outcome: str = "done"
    seconds: float = 0.0
    says: str = ""
    result: dict[str, Any] = field(default_factory=dict)


class Foreground:
    """Runs an account's steps, and prints how they went.

    :param asked: what the command line asks for
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._staged: Any = None

    def run(self) -> list[Step]:
        """Perform the steps until one is skipped or fails."""
        steps: list[Step] = []
        for task, made in self._tasks():
            step = Step(task)
            steps.append(step)
            start = time.monotonic()
            self._perform(made, step)
            step.seconds = round(time.monotonic() - start, 1)
            counts = ", ".join(f"{step.result[name]} {name}" for name in COUNTS if step.result.get(name))
            print(f"{step.task:14} {step.outcome:8} {step.seconds:6.1f} s  {counts}".rstrip())
            if step.says:
                print(f"  {step.says}")
            if step.outcome != "done":
                break
        return steps

    def _tasks(self) -> Iterator[tuple[str, Callable[[], GrdfOperator]]]:
        from grdf.operators.acquire_token import AcquireTokenOperator
        from grdf.operators.extract import ExtractOperator
        from grdf.operators.history import ReadHistoryOperator
        from grdf.operators.load import LoadOperator
        from grdf.operators.rescope_token import RescopeTokenOperator

        account = self._asked.account
        yield "acquire_token", lambda: AcquireTokenOperator(task_id="acquire_token", account_id=account)
        yield "rescope_token", lambda: RescopeTokenOperator(task_id="rescope_token", account_id=account)
        if self._asked.first:
            yield "read", lambda: ReadHistoryOperator(task_id="read", account_id=account)
            return
        yield "extract", lambda: ExtractOperator(task_id="extract", account_id=account)
        yield (
            "load",
            lambda: LoadOperator(task_id="load", account_id=account, staged=self._staged),
        )

    def _perform(self, made: Callable[[], GrdfOperator], step: Step) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        number, begun = 1, False
        while True:
            try:
                operator = made()
                self._staged = step.result = _perform(operator, self._context(number))
                unasked = getattr(operator, "unasked", None)
                if unasked and not (begun or step.result.get("calls")):
                    step.outcome = "skipped"
                    step.says = f"Account {self._asked.account}: GRDF was asked for no day. {_sentences(unasked)}"
                return
            except RetryLater as error:
                seconds, why, number = self._next_try(error, number)
                if seconds is None:
                    step.outcome, step.says = "later", why
                    return
                begun = True
                print(f"  {why} Next try in {seconds:.0f} s.")
                time.sleep(seconds)
            except (AirflowSkipException, GasError) as error:
                step.outcome, step.says = "failed" if isinstance(error, GasError) else "skipped", str(error)
                return

    def _next_try(self, error: RetryLater, number: int) -> tuple[float | None, str, int]:
        """Return the seconds until the next try, ``None`` if there is none; why; and its number."""
        waits = self._asked.wait
        if isinstance(error, QuotaWait):
            seconds = error.retry_after or FIRST_WAIT
            return seconds if waits else None, f"GRDF's quota lets it go on in {seconds:.0f} s.", number
        pause = min(error.retry_after or FIRST_WAIT * 2 ** (number - 1), LONGEST_WAIT)
        return pause if waits and number < self._asked.tries else None, str(error), number + 1

    def _context(self, number: int) -> dict[str, Any]:
        """Return the part of Airflow's context that the operators read, as of a run that the timetable has started."""
        asked = self._asked
        range_ = {"from": str(asked.first), "to": str(asked.end), "include_definitive": False} if asked.first else {}
        task = SimpleNamespace(
            try_number=number, max_tries=asked.tries - 1, run_id=RUN, dag_id="grdf_run", task_id="read"
        )
        kind = "manual" if range_ else "scheduled"
        started = SimpleNamespace(run_type=kind, run_after=datetime.now(UTC), conf={})
        return {"run_id": RUN, "dag_run": started, "ti": task, "params": range_}


def _sentences(clauses: Sequence[str]) -> str:
    return " ".join(f"{clause[:1].upper()}{clause[1:]}." for clause in clauses)


def _perform(operator: GrdfOperator, context: dict[str, Any]) -> dict[str, Any]:
    """Perform a task with a data token of this process's own: outside of a task, no Variable can be written."""
    from grdf.hooks.data_token import MemoryShelf
    from grdf.stores.shared_client import shared_client

    operator.adict = shared_client(operator.couchdb, operator.grdf_conn_id, shelf=MemoryShelf)
    return dict(operator.perform(cast("Context", context)) or {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _arguments(argv)
    if not options.verbose:
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    asked = Asked(options.account, options.first, options.end, options.tries, not options.no_wait)
    out = sys.stdout
    with redirect_stdout(sys.stderr):  # Airflow's log lines are no part of the result
        from grdf.airflow.command_line import see_connections

        see_connections()
        try:
            steps = Foreground(asked).run()
        except KeyboardInterrupt:
            print("grdf: interrupted. Nothing is lost: the next run goes on.", file=sys.stderr)
            return 130
    code = _code(steps)
    if options.json:
        print(json.dumps({"account": asked.account, "exit": code, "steps": [asdict(step) for step in steps]}), file=out)
    return code


def _code(steps: Sequence[Step]) -> int:
    return {"done": DONE, "skipped": NOTHING_TO_DO, "failed": NEEDS_A_PERSON, "later": LATER}[steps[-1].outcome]


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
    parser.add_argument("--tries", type=int, default=4, metavar="N", help="tries of a step (default: 4)")
    parser.add_argument("--no-wait", action="store_true", help="end instead of waiting, with exit code 4")
    parser.add_argument("--verbose", action="store_true", help="also show what the tasks log")
    options = parser.parse_args(argv)
    if (options.first is None) != (options.end is None):
        parser.error("give --from and --to, or neither")
    if options.first and options.end <= options.first:
        parser.error("--to must be after --from: it is the day after the last one")
    if options.tries < 1:
        parser.error("--tries must be 1 or more")
    return options


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2026-03-28") from None


if __name__ == "__main__":
    sys.exit(main())
