"""Our DAGs, run as Airflow runs them, with its tries, waits and limits."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException
from airflow.sdk.execution_time.context import OutletEventAccessors
from greenlet import greenlet

from include.sandbox.adict import paris
from tests.promises.adapter.outside import Outside
from tests.promises.adapter.seen import ACCOUNTS, Document, Ended, Job, Killed, TimedOut

DAGS = Path(__file__).resolve().parents[3] / "dags"
TRIES = 4
COLUMNS = "account,pce,name,company,postcode,email,phone,perimeters,first,end,calls_until"


class Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


LOG, EAR = logging.Logger("tests.town", logging.INFO), Ear()  # noqa: LOG001 - in no tree of loggers
LOG.addHandler(EAR)


class Runs(Outside):
    waits = float("inf")
    """How often a task waits until it is stopped."""

    def __init__(self, start: date, staging: Path) -> None:
        super().__init__(start, staging)
        self.last: dict[str, date] = {}
        self.succeeded: dict[str, datetime] = {}
        self.green: dict[str, datetime] = {}
        """When each DAG's last run of any kind has succeeded."""
        self.task_states: dict[str, dict[str, dict[str, str]]] = {}
        """By DAG, the states of the tasks of each of its runs, by the id that Airflow gives it."""
        self.begun: list[str] = []
        """Accounts that the project has started a first run of."""
        self.running: list[str] = []
        """Accounts with a run of their DAG: it has no second one."""

    def mornings(self, number: int = 1, *, published: bool = False) -> dict[str, Ended]:
        """Let mornings pass, each with everything that is scheduled. Return how the last one's runs ended."""
        ended: dict[str, Ended] = {}
        for _ in range(number):
            self.until(self.today + timedelta(days=0 if self.clock.now < paris.at_hour(self.today, 7) else 1), 7, 20)
            ended = {"grdf_waiting_rights": self.look()}
            self.until(self.today, 7, 30)
            ended["grdf_consents"] = self.check()
            self.first_runs()
            self.until(self.today, 9, 5)
            for account in sorted(self.documents(ACCOUNTS)):
                day = self._due(account)
                if day > self.last.get(account, date.min) and account not in self.running:
                    self.last[account] = day
                    ended[account] = self.run(account, "scheduled", day)
            if published:
                self.until(self.today, 13)
                ended["grdf_published"] = self.run_dag("grdf_published", "scheduled")
            self.until(self.today, 14)
        return ended

    def _due(self, account: str) -> date:
        from grdf.account_dag import account_dag

        table, day = account_dag(account).timetable, self.clock.now.astimezone(UTC).date()
        while table.run_after(day) > self.clock.now:
            day -= timedelta(days=1)
        return day

    def set(self, **settings: object) -> None:
        os.environ.update({f"AIRFLOW__GRDF__{name.upper()}": str(value) for name, value in settings.items()})

    def run(self, account: str, run_type: str = "manual", day: date | None = None, tries: int = TRIES) -> Ended:
        from grdf.account_dag import account_dag

        if run_type == "scheduled" and day is None:
            day = self._due(account)
        self.running.append(account)
        try:
            return self._dag_run(account_dag(account), run_type, day, {}, tries)
        finally:
            self.running.remove(account)

    def clear(self, account: str, ended: Ended) -> Ended:
        """Clear the failed task of a run: those before it stay as they were."""
        from grdf.account_dag import account_dag

        return self._dag_run(account_dag(account), "scheduled", None, {}, TRIES, ended.result)

    def first_runs(self) -> dict[str, Ended]:
        new = [each for each in sorted(self.documents(ACCOUNTS)) if each not in self.last]
        started, self.begun = [each for each in self.begun if each not in new], []
        for each in new:
            self.last[each] = self._due(each)
        return {each: self.run(each, "scheduled") for each in new} | {each: self.run(each) for each in started}

    def backfill(self, account: str, first: date, end: date) -> list[Ended]:
        span = range((end - first).days)
        return [self.run(account, "backfill", first + timedelta(days=number)) for number in span]

    def history(self, first: date, end: date, *accounts: str, definitive: bool = False, tries: int = TRIES) -> Ended:
        params = {"accounts": list(accounts), "from": str(first), "to": str(end), "include_definitive": definitive}
        return self.run_dag("grdf_history", params=params, tries=tries)

    def check(self, *accounts: str, dry_run: bool = False) -> Ended:
        """Run ``grdf_consents``; with accounts: give them the newest right on their meter, as an operator knows."""
        params = {"accounts": list(accounts), "dry_run": dry_run}
        return self.run_dag("grdf_consents", "manual" if accounts else "scheduled", params=params)

    def look(self) -> Ended:
        return self.run_dag("grdf_waiting_rights", "manual")

    def health(self) -> Ended:
        """Take the daily look in a CouchDB that was set up. Its text is all of its output."""
        from include.gas.documents.day_documents import database_name
        from include.gas.documents.doctypes import DOCTYPES

        for doctype in DOCTYPES:
            self.couch.databases.setdefault(database_name(doctype), {})
        EAR.lines.clear()
        ended = self.run_dag("grdf_health", "scheduled")
        return replace(ended, text="\n".join([*EAR.lines, ended.text]))

    def leave(self, account: str, *, keep_data: bool = False, tries: int = TRIES) -> Ended:
        self.set(deletion_needs_approval=False)
        params = {"account": account, "confirm": account, "dry_run": False, "keep_data": keep_data}
        return self.run_dag("grdf_delete_account", params=params, tries=tries)

    def adopt(self) -> Ended:
        return self.run_dag("grdf_adopt_rights", params={"dry_run": False, "id_pattern": "right-{right}"})

    def import_(self, *rows: Document, name: str = "homes.csv", tries: int = TRIES) -> tuple[Ended, dict[str, str]]:
        columns = tuple(COLUMNS.split(","))
        folder = self.staging / "import"
        folder.mkdir(parents=True, exist_ok=True)
        if rows:
            text = io.StringIO()
            writer = csv.DictWriter(text, columns)
            writer.writeheader()
            writer.writerows(rows)
            (folder / name).write_text(text.getvalue(), encoding="utf-8")
        params = {"file": name, "dry_run": False, "skip_wrong_lines": True, "connection": ""}
        ended = self.run_dag("grdf_import_accounts", params=params, tries=tries)
        result = folder / name.replace(".csv", ".result.csv")
        lines = csv.DictReader(io.StringIO(result.read_text(encoding="utf-8") if result.exists() else ""))
        return ended, {row["account"]: row["outcome"] for row in lines}

    def run_dag(
        self, dag_id: str, run_type: str = "manual", *, params: Document | None = None, tries: int = TRIES
    ) -> Ended:
        return self._dag_run(_dag(dag_id), run_type, None, params or {}, tries)

    def at_once(self, *works: tuple[float, Callable[[], Any]], hours: float = 240, latency: float = 0) -> None:
        """Begin each work on its second, in a worker of its own; ``latency``: seconds that CouchDB takes."""
        self.latency = latency
        self.clock.run_at_once(works, hours)
        self.latency = 0

    def _dag_run(
        self, dag: Any, run_type: str, day: date | None, params: Document, tries: int, cleared: Document | None = None
    ) -> Ended:
        results = dict(cleared or {})
        run_id, now = results.setdefault("run_id", f"{run_type}__{next(self.numbers)}"), self.clock.now
        context: Document = {
            "run_id": run_id, "dag": dag, "params": params,
            "dag_run": SimpleNamespace(
                run_type=run_type, run_after=now, start_date=now, conf={}, triggering_user_name="operator",
            ),
            "ti": SimpleNamespace(
                run_id=run_id, dag_id=dag.dag_id, task_id="task", task=None,
                get_ti_count=self._count_tasks, get_dag=lambda *_: SimpleNamespace(is_paused=False),
                get_task_states=lambda dag_id: self.task_states.get(dag_id, {}),
                get_dagrun_state=lambda *_: "failed", xcom_push=lambda **_: None,
                xcom_pull=lambda task_ids, **_: results.get(task_ids),
            ),
            "outlet_events": OutletEventAccessors(),
            "prev_end_date_success": self.succeeded.get(dag.dag_id),
        }  # fmt: skip
        if day is not None:
            context["data_interval_start"], context["data_interval_end"] = dag.timetable.interval(day)
        states: dict[str, Ended] = {}
        began = self.clock.ticks
        for task in dag.topological_sort():
            if results.get(task.task_id) is not None:
                states[task.task_id] = Ended("success")
                continue
            before = [states[each].state for each in task.upstream_task_ids]
            if not task.trigger_rule.startswith("all_done") and any(state != "success" for state in before):
                worst = "skipped" if all(state in ("success", "skipped") for state in before) else "upstream_failed"
                states[task.task_id] = Ended(worst)
                continue
            ended = [self._task(each, context, results, tries) for each in self._instances(task, results)]
            bad = next((each for each in ended if not each.well), None)
            states[task.task_id] = bad or (ended[0] if ended else Ended("skipped"))
            results[task.task_id] = (
                [each.result for each in ended if each.state == "success"] if task.is_mapped else ended[0].result
            )
        seconds = self.clock.ticks - began
        self.task_states.setdefault(dag.dag_id, {})[f"{run_type}__{now.isoformat()}"] = {
            task: ended.state for task, ended in states.items()
        }
        for state in ("killed", "failed", "skipped"):
            if found := next((each for each in states.values() if each.state == state), None):
                return Ended(state, found.text, results, seconds)
        if run_type == "scheduled":
            self.succeeded[dag.dag_id] = self.clock.now
        self.green[dag.dag_id] = self.clock.now
        return Ended("success", "", results, seconds)

    def _count_tasks(self, *dag: str, logical_dates: object = None, **asked: Any) -> int:
        """Answer how many runs of a DAG are at work, or which were green in the last days."""
        if logical_dates is None:
            return any(job.dag == asked.get("dag_id") for job in self.jobs)
        return any(self.clock.now - self.green[each] < timedelta(days=3) for each in dag if each in self.green)

    def _instances(self, task: Any, results: Document) -> Iterator[Any]:
        if not task.is_mapped:
            yield task.prepare_for_execution()
            return
        ((name, over),) = task.expand_input.value.items()
        ((upstream, _),) = over.iter_references()
        for value in results.get(upstream.task_id) or []:
            if name == "trigger_dag_id":
                self.begun.append(value.removeprefix("grdf_account__"))
            else:
                yield task.unmap({name: value}).prepare_for_execution()

    def _task(self, operator: Any, context: Document, results: Document, tries: int) -> Ended:
        operator._cached_logger = LOG
        for name in operator.template_fields:  # what a mapped task has returned comes as a list
            source = getattr(getattr(operator, name, None), "operator", None)
            if source is not None and source.is_mapped:
                setattr(operator, name, results.get(source.task_id) or [])
        operator.render_template_fields(context)
        account = getattr(operator, "account_id", None)
        job, outer = Job(greenlet.getcurrent(), context["dag"].dag_id, account, context["run_id"]), self.deadline
        tried = waited = 0
        self.jobs.append(job)
        try:
            while True:
                context["ti"].try_number, context["ti"].max_tries = tried + 1, tries - 1
                limit = operator.execution_timeout
                self.deadline = self.clock.now + limit if limit else None
                pause = 600.0
                try:
                    return Ended("success", "", operator.execute(context))
                except AirflowSkipException as skipped:
                    return Ended("skipped", str(skipped))
                except AirflowRescheduleException as wait:
                    waited += 1
                    if waited > self.waits:
                        return Ended("failed", str(wait))
                    left = datetime.fromisoformat(str(wait.reschedule_date)) - self.clock.now
                    self.clock.pass_(max(1.0, left.total_seconds()))
                    continue
                except Killed:
                    ended, self.kill = Ended("killed", "its process died"), 0
                except (Exception, TimedOut) as error:  # noqa: BLE001 - whatever it is, Airflow tries again
                    ended = Ended("failed", f"{type(error).__name__}: {error}", error=error)
                    rule = None if isinstance(error, TimedOut) else getattr(operator, "retry_policy", None)
                    said = rule.evaluate(error, tried + 1, tries - 1) if rule else None
                    if said is not None and said.action != RetryAction.RETRY:
                        return ended
                    if said is not None and said.retry_delay:
                        pause = said.retry_delay.total_seconds()
                tried += 1
                if tried >= tries:
                    return ended
                self.clock.pass_(pause)
        finally:
            self.jobs = [each for each in self.jobs if each is not job]
            self.deadline = outer


@cache
def _dag(dag_id: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(DAGS / f"{dag_id}.py")).dags[dag_id]
