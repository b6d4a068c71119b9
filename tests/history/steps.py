"""Steps of ``grdf_history`` and of an account's DAG, executed in this process as Airflow would, and their results."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today
from include.sandbox.figures import summed
from tests.helpers import adict_hook, context, known_account, stored, with_memory_shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

LOG = logging.getLogger("tests.history")
LOG.setLevel(logging.INFO)
TODAY = paris_today(datetime.now(UTC))
Y = TODAY.year - (date(TODAY.year, 5, 15) > TODAY)
"""The year of the last March whose days are definitive by now."""
DAY, MONTH, YEAR = (f"com.grandlyon.grdf.{name}" for name in ("day", "month", "year"))


@dataclass
class Outlet:
    """A stand-in for Airflow's ``outlet_events[alias]``."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, asset: Any, extra: Mapping[str, Any]) -> None:
        self.events.append((asset.name, dict(extra)))


@dataclass
class Outcome:
    """The outcome of an executed step.

    :param result: the step's return value
    :param events: asset and extra of each event that it attached
    """

    result: Any
    events: list[tuple[str, dict[str, Any]]]


def _surroundings(at_hand: dict[str, Any], accounts: int = 1) -> tuple[dict[str, Any], defaultdict[Any, Outlet]]:
    outlets: defaultdict[Any, Outlet] = defaultdict(Outlet)
    ti = at_hand["ti"]
    ti.run_id, ti.task_id, ti.dag_id = at_hand["run_id"], "read", "grdf_history"
    ti.get_ti_count = lambda *_, states=None, **__: 0 if states else accounts
    return at_hand | {"outlet_events": outlets}, outlets


def _done(result: Any, outlets: defaultdict[Any, Outlet]) -> Outcome:
    return Outcome(result, [event for outlet in outlets.values() for event in outlet.events])


def form(first: date | str, end: date | str, **more: Any) -> dict[str, Any]:
    """Return a completed form for ``grdf_history``."""
    return {"accounts": [], "from": str(first), "to": str(end), "include_definitive": False, **more}


def _heard(operator: Any) -> Any:
    """Keep a step's log messages on the project's logger. Airflow's logging would write them to standard output."""
    operator._cached_logger = LOG
    return operator


def read_operator(account: str) -> Any:
    from airflow.sdk import DAG

    from grdf.operators.history import ReadHistoryOperator

    with DAG("steps", schedule=None):
        return _heard(with_memory_shelf(ReadHistoryOperator(task_id="read", account_id=account)))


def read(account: str, first: date | str, end: date | str, *, operator: Any = None, **more: Any) -> Outcome:
    """Read a range of an account again, and announce the changes."""
    from airflow.sdk import DAG

    from grdf.airflow.announcing import changes_of
    from grdf.operators.history import AnnounceHistoryOperator

    tries = {"try_number": more.pop("try_number", 4)}
    at_hand, outlets = _surroundings(context(run_type="manual", **tries))
    at_hand["params"] = form(first, end, **more)
    result = (operator or read_operator(account)).execute(at_hand)
    with DAG("steps", schedule=None):
        tell = AnnounceHistoryOperator(
            task_id="announce", planned=[account], results=[result], outlets=[changes_of("steps")]
        )
    _heard(tell).execute(at_hand)
    return _done(result, outlets)


def plan(**filled: Any) -> list[str]:
    """Check a form of ``grdf_history``."""
    from airflow.sdk import DAG

    from grdf.operators.history import PlanHistoryOperator

    with DAG("steps", schedule=None):
        operator = _heard(PlanHistoryOperator(task_id="plan"))
    return list(operator.execute(context(run_type="manual") | {"params": filled}))  # type: ignore[arg-type]


def run(
    account: str,
    day: date,
    run_type: str = "scheduled",
    conf: Mapping[str, Any] | None = None,
    *,
    loads: int = 1,
) -> Outcome:
    """Execute ``extract`` on its last try and ``load``, for one gas day.

    :param loads: how often to execute ``load``, as when Airflow misses that it succeeded; the last result is returned
    """
    from airflow.sdk import DAG

    from grdf.operators.extract import ExtractOperator

    now = context(day, run_type=run_type, try_number=1, max_tries=3)
    now["dag_run"].conf = dict(conf or {})
    at_hand, _ = _surroundings(now)
    with DAG("steps", schedule=None):
        extract = _heard(with_memory_shelf(ExtractOperator(task_id="extract", account_id=account)))
    staged = extract.execute(at_hand)
    for _ in range(loads):
        outcome = load(account, day, staged)
    return outcome


def load(account: str, day: date, staged: Mapping[str, Any]) -> Outcome:
    """Execute ``load`` on its last try.

    :param staged: what ``extract`` has returned
    """
    from airflow.sdk import DAG

    from grdf.airflow.announcing import changes_of
    from grdf.operators.load import LoadOperator

    with DAG("steps", schedule=None):
        task = _heard(LoadOperator(task_id="load", account_id=account, staged=staged, outlets=[changes_of("steps")]))
    at_hand, outlets = _surroundings(context(day, try_number=4, max_tries=3))
    return _done(task.execute(at_hand), outlets)


def backfill(account: str, day: date, **conf: Any) -> Outcome:
    """Execute one run of a native backfill."""
    return run(account, day, "backfill", conf)


def household(
    world: LocalWorld, account: str, since: date, meters: int = 1, *, first: str = "", end: str | None = None
) -> tuple[str, ...]:
    """Create an account whose history counts as read from a gas day on, and return the meters.

    :param first: first gas day of the consent; by default, that day
    :param end: first gas day after the consent
    """
    terms = {"conso_fin": end} if end else {}
    pces = known_account(world, account, meters, conso_debut=first or since.isoformat(), **terms)
    document = world.book.get(account) or {}
    for pce in pces:
        document = Status.with_reading(document, pce, replace(Status.reading(document, pce), since=since))
    world.book.save(document)
    world.control.clear_log()
    return pces


def look_again(pce: str) -> None:
    """Ask GRDF about the rights to a meter, as the next morning's check does."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.looking import look
    from grdf.ledger.meters import Ledger

    look(Ledger(CouchDBHook()), adict_hook(), [pce])


def weeks_pass(world: LocalWorld, account: str) -> None:
    """Let everything that GRDF serves have been asked for five weeks ago."""
    document = world.book.get(account) or {}
    for pce in Status.held(document):
        reading = replace(Status.reading(document, pce), whole_at=TODAY - timedelta(weeks=5))
        document = Status.with_reading(document, pce, reading)
    world.book.save(document)


def asked(world: LocalWorld) -> list[tuple[str, str, str]]:
    """Return (meter, first day, end) of each call for data, in order, and clear the log."""
    calls = [entry for entry in world.control.log() if entry["path"].endswith("/donnees_consos_informatives")]
    world.control.clear_log()
    return [(call["pce"], call["query"]["date_debut"], call["query"]["date_fin"]) for call in calls]


def assert_stored_as_grdf(
    world: LocalWorld, couchdb: CouchDBHook, account: str, pce: str, first: date | str, end: date | str
) -> None:
    """Assert that exactly GRDF's days of a range and their sums are stored."""
    assert stored(couchdb, account, pce) == summed(world.control.expected(pce, first, end))


def settled(world: LocalWorld) -> date:
    """Return the first day whose month may not be published yet. All days before it are definitive."""
    return (world.control.today().replace(day=1) - timedelta(days=1)).replace(day=1)


@contextmanager
def said() -> Iterator[list[str]]:
    """Collect what the project's operators log in the meantime, as it appears in Airflow's logs."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    ear = Ear()
    LOG.addHandler(ear)
    try:
        yield lines
    finally:
        LOG.removeHandler(ear)
