"""A simulation: is every account read every day while calls are scarce and an import runs?

Operators, hook, governor and state are real. Time, GRDF's (empty) answers, the network, CouchDB and Airflow's scheduler
are simulated, with the same result every time. ``./grdf bench quota-fleet`` prints it.
"""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from benchmarks.simulation_parts import MIDNIGHT, Accounts, Couch, Hub, MemoryStore, Task
from include.gas.days.gas_day import PARIS

LOG = logging.getLogger("benchmarks.fleet_simulation")
DAY = 86_400.0
FIRST_HOUR, SPREAD = 8, 240
SLOTS, IMPORT_SLOTS = 32, 2


@dataclass(frozen=True)
class Fleet:
    """A fleet and its quota.

    :param big: number of accounts with :attr:`meters` meters, beside ``small`` ones with one
    :param days: to simulate; on ``import_day`` at ``import_hour`` an import of the past of all begins
    """

    small: int = 2000
    big: int = 150
    meters: int = 20
    per_second: float = 1.0
    per_day: int = 6000
    days: int = 9
    import_day: int = 1
    import_hour: float = 14.0

    @property
    def wanted(self) -> int:
        return self.small + self.big * self.meters

    def part(self, divisor: int) -> Fleet:
        """Return the same fleet, scaled down in size and quota."""
        return replace(
            self,
            small=self.small // divisor,
            big=self.big // divisor,
            per_second=self.per_second / divisor,
            per_day=self.per_day // divisor,
        )


@dataclass
class Outcome:
    """The result of a simulation, by day.

    :param read: small and big accounts with all meters read
    :param calls: of daily runs and of the import
    :param latest: hours from the scheduled time to the end of the last run
    :param waits: how often a task had to wait
    :param most: highest number of calls in any 24 hours
    """

    fleet: Fleet
    read: list[list[int]] = field(default_factory=list)
    calls: list[list[int]] = field(default_factory=list)
    latest: list[float] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    most: int = 0

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "day": day,
                "one meter, read": f"{100 * small / self.fleet.small:.0f} %",
                f"{self.fleet.meters} meters, read": f"{100 * big / self.fleet.big:.0f} %",
                "calls, daily": self.calls[day][0],
                "calls, import": self.calls[day][1],
                "sent away": self.waits[day],
                "last done, hours late": round(self.latest[day], 1),
            }
            for day, (small, big) in enumerate(self.read)
        ]

    @property
    def unread(self) -> int:
        return sum(self.fleet.small + self.fleet.big - sum(day) for day in self.read)


class World:
    """The fleet, its Airflow and its GRDF."""

    def __init__(self, fleet: Fleet, home: Path) -> None:
        from grdf.quota.call_terms import Quota

        self.fleet, self.hub = fleet, Hub()
        self.store = MemoryStore(self.hub)
        self.quota = Quota(fleet.per_second, fleet.per_day)
        self.made: list[tuple[float, bool]] = []
        self.waits = 0
        self.ready: deque[Task] = deque()
        self.ready_import: deque[Task] = deque()
        self.slots, self.import_slots = SLOTS, IMPORT_SLOTS
        self.today = datetime.now(UTC).astimezone(PARIS).date()
        self.meters = {f"small-{number}": 1 for number in range(fleet.small)}
        self.meters |= {f"big-{number}": fleet.meters for number in range(fleet.big)}
        documents, accounts, pce = {}, dict[str, str](), 0
        for account, meters in self.meters.items():
            pces = [f"{9_000_000_000_000 + pce + each:014d}" for each in range(meters)]
            pce += meters
            documents[account] = self._document(account, pces)
            accounts |= dict.fromkeys(pces, account)
        self.couch = Couch(accounts)
        self.accounts = Accounts(documents)
        self.running: set[str] = set()
        self.finished: dict[tuple[str, int], float] = {}
        self.succeeded: dict[str, datetime] = {}
        os.environ["AIRFLOW__GRDF__STAGING_URL"] = f"file://{home / 'staging'}"
        os.environ["AIRFLOW__CORE__MAX_MAP_LENGTH"] = "10000"  # as in docker-compose.yaml

    def _document(self, account: str, pces: list[str]) -> dict[str, Any]:
        consents = [{"pce": pce, "id_accreditation": f"id-{pce}"} for pce in pces]
        return {
            "_id": account,
            "account_type": "grdfgrandlyon",
            "oauth": {},
            "oauth_callback_results": {"pce_id": pces[0], "consents": consents},
        }

    # -- Airflow -------------------------------------------------------------------------------------------------------

    def submit(self, task: Task) -> None:
        (self.ready if task.daily else self.ready_import).append(task)
        self._fill()

    def give_back(self, task: Task) -> None:
        self.slots += 1
        self.import_slots += not task.daily
        self.hub.at(self.hub.now, self._fill)

    def _fill(self) -> None:
        while self.slots and (self.ready or (self.ready_import and self.import_slots)):
            task = (self.ready or self.ready_import).popleft()
            self.slots -= 1
            self.import_slots -= not task.daily
            task.start()

    # -- the tasks -----------------------------------------------------------------------------------------------------

    def hook(self) -> Any:
        """Return the real hook for ADICT, without sending."""
        import requests

        from grdf.hooks.adict import AdictHook
        from grdf.hooks.http_calls import TimedResponse
        from grdf.quota.governor import Governor

        world = self

        class Hook(AdictHook):
            def _governor(self) -> Governor:
                return Governor(world.store, "client", world.quota, sleep=world.hub.sleep, clock=lambda: world.hub.now)

            def data_token(self, **_: Any) -> Any:
                return "token", False  # none is asked for here

            def _sent(self, _call: Any, _token: Any, turn: Any) -> TimedResponse:
                turn.wait_for_turn()
                world.made.append((world.hub.now, turn.ticket.purpose == "history"))
                answer = requests.Response()
                answer.status_code = 200
                answer._content = b""
                return TimedResponse(answer, datetime.now(UTC))

        return Hook()

    def _ready(self, operator: Any) -> Any:
        operator._cached_logger = LOG
        operator.__dict__ |= {"accounts": self.accounts, "couchdb": self.couch, "adict": self.hook()}
        return operator

    def daily_run(self, account: str, day: int) -> None:
        """Start an account's run for a day, unless its last one goes on."""
        from grdf.operators.extract import ExtractOperator
        from grdf.staging.staged_answers import Staging

        if account in self.running:
            return  # max_active_runs=1, and no catching up
        self.running.add(account)
        start = datetime.combine(self.today - timedelta(days=2), datetime.min.time(), UTC) + timedelta(hours=6)
        run_id = f"day {day}"
        context = _context(run_id, start)
        context["prev_end_date_success"] = self.succeeded.get(account)

        def work() -> Any:
            operator = self._ready(ExtractOperator(task_id="extract", account_id=account))
            return ExtractOperator.perform(operator, context)

        def done(result: dict[str, Any]) -> None:
            self.running.discard(account)
            if result["answers"] == self.meters[account]:
                self.finished[account, day] = self.hub.now
                self.succeeded[account] = datetime.fromtimestamp(self.hub.now, UTC)
            Staging(os.environ["AIRFLOW__GRDF__STAGING_URL"]).remove(account, run_id)  # as ``load`` does

        self.submit(Task(self, work, done, daily=True))

    def import_(self) -> None:
        """Start an import of the past, one mapped task per account."""
        from grdf.operators.history import PlanHistoryOperator, ReadHistoryOperator
        from grdf.quota.governor import Governor

        context = _context("import", None)
        span = (self.today - timedelta(days=700), self.today - timedelta(days=400))
        context["params"] = {"from": str(span[0]), "to": str(span[1]), "include_definitive": False}
        context["params"]["accounts"] = []
        plan = self._ready(PlanHistoryOperator(task_id="plan"))
        plan.__dict__ |= {
            "_readable_accounts": lambda: {each: (meters, "grdf_adict") for each, meters in self.meters.items()},
        }
        with patch("grdf.operators.history.governor_for", lambda _: Governor(self.store, "client", self.quota)):
            accounts = PlanHistoryOperator.perform(plan, context)
        for account in accounts:

            def work(account: str = account) -> Any:
                operator = self._ready(ReadHistoryOperator(task_id="read", account_id=account))
                return ReadHistoryOperator.perform(operator, context)

            self.submit(Task(self, work, lambda _result: None, daily=False))

    # -- the days ------------------------------------------------------------------------------------------------------

    def go(self) -> Outcome:
        from grdf.timetable import minute_of

        fleet, outcome = self.fleet, Outcome(self.fleet)
        due = {account: 3600 * FIRST_HOUR + 60 * minute_of(account, SPREAD) for account in self.meters}
        for day in range(fleet.days):
            for account, second in due.items():
                self.hub.at(
                    MIDNIGHT + day * DAY + second, lambda account=account, day=day: self.daily_run(account, day)
                )
        self.hub.at(MIDNIGHT + fleet.import_day * DAY + 3600 * fleet.import_hour, self.import_)
        for day in range(fleet.days):
            begin, before = MIDNIGHT + day * DAY, len(self.made)
            self.waits = 0
            self.hub.run(begin + DAY)
            made = self.made[before:]
            past = sum(history for _, history in made)
            outcome.calls.append([len(made) - past, past])
            outcome.waits.append(self.waits)
            done = {account: self.finished[account, day] for account in self.meters if (account, day) in self.finished}
            big = sum(account.startswith("big") for account in done)
            outcome.read.append([len(done) - big, big])
            late = (moment - begin - due[account] for account, moment in done.items())
            outcome.latest.append(max(late, default=0.0) / 3600)
        made_at = [at for at, _ in self.made]
        outcome.most = max(sum(at <= each < at + DAY for each in made_at) for at in made_at[:: len(made_at) // 200 + 1])
        return outcome


def _context(run_id: str, start: datetime | None) -> Any:
    run = SimpleNamespace(
        run_type="scheduled" if start else "manual", run_after=datetime.now(UTC), conf={}, run_id=run_id
    )
    ti = SimpleNamespace(try_number=1, max_tries=3, run_id=run_id, task_id="task", dag_id="dag")
    context: dict[str, Any] = {"run_id": run_id, "dag_run": run, "ti": ti}
    if start:
        context["data_interval_start"] = start
    return context


def simulate(fleet: Fleet, home: Path) -> Outcome:
    ours = logging.getLogger("grdf")
    level = ours.level
    ours.setLevel(logging.ERROR)
    LOG.setLevel(logging.CRITICAL)
    connection = {"conn_type": "grdf", "login": "client", "password": "-", "host": "https://grdf.invalid/adict/v2"}
    os.environ["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(connection)
    try:
        return World(fleet, home).go()
    finally:
        ours.setLevel(level)
