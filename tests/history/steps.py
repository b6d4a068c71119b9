"""Steps of ``grdf_history`` and of an account's DAG, executed in this process as Airflow would, and their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from airflow.sdk import DAG, Asset
from msgspec.structs import replace

from grdf.airflow.announcing import HISTORY_ALIAS
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.extract import ExtractOperator
from grdf.operators.history import AnnounceHistoryOperator, PlanHistoryOperator, ReadHistoryOperator
from grdf.operators.load import LoadOperator
from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today
from include.sandbox.figures import summed
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, context, known_account, stored, with_memory_shelf

TODAY = paris_today(datetime.now(UTC))
Y = TODAY.year - (date(TODAY.year, 5, 15) > TODAY)
"""The year of the last March with only definitive days."""


class Outcome(NamedTuple):
    result: Any
    events: list[tuple[str, dict[str, Any]]]


def make(kind: Callable[..., Any], **arguments: Any) -> Any:
    return with_memory_shelf(kind(task_id="step", dag=DAG("steps", schedule=None), **arguments))


def execute(operator: Any, at_hand: dict[str, Any]) -> Outcome:
    ti = at_hand["ti"]
    ti.run_id, ti.task_id, ti.dag_id = at_hand["run_id"], "read", "grdf_history"
    ti.get_ti_count = lambda *_, states=None, **__: 0 if states else 1
    result, attached = operator.execute(at_hand), at_hand["outlet_events"]
    events = [
        (each.dest_asset_key.name, each.extra)
        for outlet in operator.outlets
        for each in attached[outlet].asset_alias_events
    ]
    events += [(outlet.name, attached[outlet].extra) for outlet in operator.outlets if isinstance(outlet, Asset)]
    return Outcome(result, events)


def form(first: date | str, end: date | str, **more: Any) -> dict[str, Any]:
    return {"accounts": [], "from": str(first), "to": str(end), "include_definitive": False, **more}


def read(
    account: str, first: date | str, end: date | str, *, operator: Any = None, try_number: int = 4, **more: Any
) -> Outcome:
    now = context(run_type="manual", try_number=try_number) | {"params": form(first, end, **more)}
    result = execute(operator or make(ReadHistoryOperator, account_id=account), now).result
    announce = make(AnnounceHistoryOperator, planned=[account], results=[result], outlets=[HISTORY_ALIAS])
    return Outcome(result, execute(announce, now).events)


def plan(**filled: Any) -> list[str]:
    return list(make(PlanHistoryOperator).execute(context(run_type="manual") | {"params": filled}))


def run(
    account: str, day: date, run_type: str = "scheduled", conf: Mapping[str, Any] | None = None, *, loads: int = 1
) -> Outcome:
    now = context(day, run_type=run_type, max_tries=3)
    now["dag_run"].conf = dict(conf or {})
    staged = execute(make(ExtractOperator, account_id=account), now).result
    for _ in range(loads):
        outcome = load(account, day, staged)
    return outcome


def load(account: str, day: date, staged: Mapping[str, Any]) -> Outcome:
    operator = make(LoadOperator, account_id=account, staged=staged)
    return execute(operator, context(day, try_number=4, max_tries=3))


def backfill(account: str, day: date, **conf: Any) -> Outcome:
    return run(account, day, "backfill", conf)


def household(
    world: LocalWorld, account: str, since: date, meters: int = 1, *, first: str = "", end: str | None = None
) -> tuple[str, ...]:
    terms = {"conso_fin": end} if end else {}
    pces = known_account(world, account, meters, conso_debut=first or since.isoformat(), **terms)
    document = world.book.get(account) or {}
    for pce in pces:
        document = Status.with_reading(document, pce, replace(Status.reading_of(document, pce), since=since))
    world.book.save(document)
    world.control.clear_log()
    return pces


def look_again(pce: str) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from grdf.ledger.rights_query import query_rights

    query_rights(Ledger(CouchDBHook()), adict_hook(), [pce])


def asked(world: LocalWorld) -> list[tuple[str, str, str]]:
    calls = [entry for entry in world.control.log() if entry["path"].endswith("/donnees_consos_informatives")]
    world.control.clear_log()
    return [(call["pce"], call["query"]["date_debut"], call["query"]["date_fin"]) for call in calls]


def assert_stored_as_grdf(
    world: LocalWorld, couchdb: CouchDBHook, account: str, pce: str, first: date | str, end: date | str
) -> None:
    assert stored(couchdb, account, pce) == summed(world.control.expected(pce, first, end))
