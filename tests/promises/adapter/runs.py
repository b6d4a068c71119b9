"""Our DAGs, run as Airflow runs them, with its tries, waits and limits."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from greenlet import greenlet

from include.sandbox.adict import paris
from tests.model import tasks
from tests.promises.adapter.outside import Outside
from tests.promises.adapter.seen import ACCOUNTS, Document, Ended, TimedOut
from tests.promises.adapter.workers import Hub

DAGS = Path(__file__).resolve().parents[3] / "dags"
TRIES = 4
COLUMNS = "account,pce,name,company,postcode,email,phone,perimeters,first,end,calls_until"


class Runs(Outside):
    """What runs, when, and how it ended."""

    @property
    def today(self) -> date:
        return paris.civil_day(self.clock.now)

    def ago(self, days: int) -> date:
        """Return the day so many days ago."""
        return self.today - timedelta(days=days)

    def pass_(self, **span: float) -> None:
        """Let time pass in which nothing of ours runs."""
        self.clock.pass_(timedelta(**span).total_seconds())

    def until(self, day: date, hour: int = 0, minute: int = 0) -> None:
        """Let time pass until then, Paris time."""
        self.clock.until(paris.at_hour(day, hour) + timedelta(minutes=minute))

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
                if (due := self._due(account)) and due[0] > self.last.get(account, date.min):
                    self.last[account] = due[0]
                    ended[account] = self.run(account, "scheduled", due[0])
            if published:
                self.until(self.today, 13)
                ended["grdf_published"] = self.run_dag("grdf_published", "scheduled")
            self.until(self.today, 14)
        return ended

    def _due(self, account: str) -> tuple[date, datetime]:
        return tasks.run_of(account, self.clock.now, 1)

    def set(self, **settings: object) -> None:
        """Change settings of ``[grdf]``."""
        for name, value in settings.items():
            tasks.setting(name, value)

    def kill_at(self, request: int) -> None:
        """Let our process die at one of its next requests, instead of sending it; at none with 0."""
        self.kill = self.requests + request if request else 0

    def run(self, account: str, run_type: str = "manual", day: date | None = None, tries: int = TRIES) -> Ended:
        """Run an account's DAG. A scheduled run is about a gas day, as is a backfill."""
        from grdf.account_dag import account_dag

        if run_type == "scheduled" and day is None:
            day = self._due(account)[0]
        return self._dag_run(account_dag(account), run_type, day, {}, tries)

    def first_runs(self) -> dict[str, Ended]:
        """Let each new account's DAG begin by itself, as Airflow does within seconds, and those that were started."""
        new = [each for each in sorted(self.documents(ACCOUNTS)) if each not in self.last]
        started, self.begun = [each for each in self.begun if each not in new], []
        for each in new:
            self.last[each] = self._due(each)[0]
        return {each: self.run(each, "scheduled") for each in new} | {each: self.run(each) for each in started}

    def backfill(self, account: str, first: date, end: date) -> list[Ended]:
        """Run an account's DAG for each day of a range, as ``airflow backfill create`` does."""
        span = range((end - first).days)
        return [self.run(account, "backfill", first + timedelta(days=number)) for number in span]

    def history(self, first: date, end: date, *accounts: str, definitive: bool = False, tries: int = TRIES) -> Ended:
        """Read a range of the past anew with ``grdf_history``, for all accounts without one."""
        params = {"accounts": list(accounts), "from": str(first), "to": str(end), "include_definitive": definitive}
        return self.run_dag("grdf_history", params=params, tries=tries)

    def check(self, *accounts: str, dry_run: bool = False) -> Ended:
        """Run ``grdf_consents``; with accounts: give them the newest right on their meter, as an operator knows."""
        params = {"accounts": list(accounts), "dry_run": dry_run}
        return self.run_dag("grdf_consents", "manual" if accounts else "scheduled", params=params)

    def look(self) -> Ended:
        """Run ``grdf_waiting_rights``."""
        return self.run_dag("grdf_waiting_rights", "manual")

    def health(self) -> Ended:
        """Take the daily look in a CouchDB that was set up. Its text is all that it says."""
        from include.gas.documents.day_documents import database_name
        from include.gas.documents.doctypes import DOCTYPES

        for doctype in DOCTYPES:
            self.world.couch.databases.setdefault(database_name(doctype), {})
        tasks.EAR.lines.clear()
        ended = self.run_dag("grdf_health", "scheduled")
        return replace(ended, text="\n".join([*tasks.EAR.lines, ended.text]))

    def leave(self, account: str, *, keep_data: bool = False) -> Ended:
        """Delete an account with ``grdf_delete_account``, which needs nobody's approval then."""
        tasks.setting("deletion_needs_approval", False)
        params = {"account": account, "confirm": account, "dry_run": False, "keep_data": keep_data}
        return self.run_dag("grdf_delete_account", params=params)

    def adopt(self) -> Ended:
        """Make accounts for the rights in force that have none."""
        return self.run_dag("grdf_adopt_rights", params={"dry_run": False, "id_pattern": "right-{right}"})

    def import_(self, *rows: Document, name: str = "homes.csv", tries: int = TRIES) -> tuple[Ended, dict[str, str]]:
        """Import households from a file. Return the outcome of each line by its account too."""
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
        """Run one of the DAGs that work for all accounts."""
        return self._dag_run(_dag(dag_id), run_type, None, params or {}, tries)

    def at_once(self, *works: tuple[float, Callable[[], Any]], hours: float = 240, latency: float = 0) -> None:
        """Do several things at the same time, each in a worker of its own, each from its second on.

        :param hours: when whoever has not ended is ended
        :param latency: seconds that CouchDB takes to answer, in which the others go on
        """
        self.clock.hub, self.latency = Hub(self.clock), latency
        try:
            self.clock.hub.go(works, hours)
        finally:
            self.clock.hub, self.latency = None, 0

    def meanwhile(self, after: int, do: Callable[[], object]) -> None:
        """Do something between two requests of what runs next.

        :param after: after how many of its requests
        """
        self.world.wire.meanwhile.append((after, do))

    @staticmethod
    def bad_lines(ended: Ended) -> int:
        """Return how many lines of GRDF's answers a run says that it could not use."""
        return int((ended.result.get("extract") or {}).get("counts", {}).get("broken", 0))

    def _dag_run(self, dag: Any, run_type: str, day: date | None, params: Document, tries: int) -> Ended:
        context = tasks.context(self.world, f"{run_type}__{next(self.numbers)}", run_type, day)
        context["params"] = params
        context["dag"] = dag
        results: Document = {}
        context["ti"].xcom_pull = lambda task_ids, **_: results.get(task_ids)
        context["ti"].dag_id, context["ti"].task = dag.dag_id, None
        context["prev_end_date_success"] = self.succeeded.get(dag.dag_id)
        states: dict[str, Ended] = {}
        began = self.clock.ticks
        for task in dag.topological_sort():
            before = [states[each].state for each in task.upstream_task_ids]
            if not task.trigger_rule.startswith("all_done") and any(state != "success" for state in before):
                worst = "skipped" if all(state in ("success", "skipped") for state in before) else "upstream_failed"
                states[task.task_id] = Ended(worst)
                continue
            ended = [self._task(dag, each, context, results, tries) for each in self._instances(task, results)]
            bad = next((each for each in ended if not each.well), None)
            states[task.task_id] = bad or (ended[0] if ended else Ended("skipped"))
            results[task.task_id] = (
                [each.result for each in ended if each.state == "success"] if task.is_mapped else ended[0].result
            )
        seconds = self.clock.ticks - began
        for state in ("killed", "failed", "skipped"):
            if found := next((each for each in states.values() if each.state == state), None):
                return Ended(state, found.text, results, seconds)
        if run_type == "scheduled":
            self.succeeded[dag.dag_id] = self.clock.now
        return Ended("success", "", results, seconds)

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

    def _task(self, dag: Any, operator: Any, context: Document, results: Document, tries: int) -> Ended:
        """Execute a task as Airflow does: with its tries, its waits and its limit."""
        operator._cached_logger = tasks.LOG
        account = dag.dag_id.removeprefix("grdf_account__") if dag.dag_id.startswith("grdf_account__") else None
        worker = greenlet.getcurrent()
        outer, at_work = (self.world.wire.actor, self.dags.get(worker, ""), self.deadline), set(self.world.at_work)
        self.world.at_work.add(dag.dag_id)
        tried = 0
        try:
            for name in operator.template_fields:  # what a mapped task has returned comes as a list
                source = getattr(getattr(operator, name, None), "operator", None)
                if source is not None and source.is_mapped:
                    setattr(operator, name, results[source.task_id])
            operator.render_template_fields(context)
            while True:
                self.world.wire.actor, self.dags[worker] = account, dag.dag_id
                context["ti"].try_number, context["ti"].max_tries = tried + 1, tries - 1
                limit = operator.execution_timeout
                self.deadline = self.clock.now + limit if limit else None
                try:
                    return Ended("success", "", operator.execute(context))
                except tasks.AirflowSkipException as skipped:
                    return Ended("skipped", str(skipped))
                except tasks.AirflowRescheduleException as wait:
                    seconds = (datetime.fromisoformat(str(wait.reschedule_date)) - self.clock.now).total_seconds()
                    self.clock.pass_(max(1.0, seconds))
                    continue
                except tasks.Killed:
                    ended, pause = Ended("killed", "its process died"), 600.0
                    self.kill = 0
                except Exception as error:  # noqa: BLE001 - whatever it is, Airflow tries again
                    ended, pause = Ended("failed", f"{type(error).__name__}: {error}"), 600.0
                    rule = getattr(operator, "retry_policy", None)
                    said = (
                        rule.evaluate(error, tried + 1, tries - 1) if rule and not isinstance(error, TimedOut) else None
                    )
                    if said is not None and said.action != tasks.RetryAction.RETRY:
                        return ended
                    if said is not None and said.retry_delay:
                        pause = said.retry_delay.total_seconds()
                tried += 1
                if tried >= tries:
                    return ended
                self.clock.pass_(pause)
        finally:
            self.world.wire.actor, self.dags[worker], self.deadline = outer
            self.world.at_work = at_work


@cache
def _dag(dag_id: str) -> Any:
    """Return one of the DAGs in ``dags/``."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(DAGS / f"{dag_id}.py")).dags[dag_id]
