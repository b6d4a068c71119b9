"""A run of an account's DAG: its four operators in order, each with the part of Airflow's context that it reads."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

from grdf.account_dag import account_dag
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.sandbox.figures import StoredFigures, summed
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, context, with_memory_shelf, yesterday

TASKS = ("acquire_token", "rescope_token", "extract", "load")
SECRET_KEYS = ("token", "code", "secret", "nonce", "password")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Run:
    failed: str
    said: str
    returned: dict[str, Any]
    operators: dict[str, Any]
    calls: list[dict[str, Any]]

    def matches(self, pattern: str, account: str = "") -> bool:
        return bool(re.search(pattern, self.said)) and (f"Account {account}" in self.said or not account)

    @property
    def data_calls(self) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["path"].endswith("/donnees_consos_informatives")]


def run(world: LocalWorld, account: str, *, by_hand: bool = False, shelf: MemoryShelf | None = None) -> Run:
    calls = world.control.log()
    number, shelf = next(_numbers), MemoryShelf() if shelf is None else shelf
    at_hand = context(
        None if by_hand else yesterday(world), run_type="manual" if by_hand else "scheduled",
        run_id=f"run-{number}", try_number=1, max_tries=0,
    )  # fmt: skip
    returned: dict[str, Any] = {}
    operators: dict[str, Any] = {}
    dag = account_dag(account)
    at_hand["dag"], at_hand["ti"].dag_id, at_hand["ti"].task = dag, dag.dag_id, None
    at_hand["ti"].xcom_pull = lambda task_ids, **_: returned[task_ids]
    failed = said = ""
    for name in TASKS:
        operators[name] = operator = with_memory_shelf(dag.get_task(name).prepare_for_execution(), shelf)
        operator.render_template_fields(at_hand)
        try:
            returned[name] = operator.execute(at_hand | {"task": operator})
        except Exception as error:  # noqa: BLE001 - whatever it is, the task has failed with it
            failed, said = name, f"{type(error).__name__}: {error}"
            break
    return Run(failed, said, returned, operators, world.control.log(calls[-1]["n"] if calls else 0))


def figures(world: LocalWorld, account: str, pce: str) -> dict[str, float]:
    reader = StoredFigures(world.couch.url, world.couch.user, world.couch.password)
    found = {name: reader.documents(name, account, pce) for name in (DAY, MONTH, YEAR)}
    days = {each["_id"].rpartition(":")[2]: each["load"] for each in found[DAY]}
    totals = {each["_id"].rpartition(":")[2]: each for name in (MONTH, YEAR) for each in found[name]}
    sums = summed(days)
    assert {period: each["load"] for period, each in totals.items()} == {p: sums[p] for p in sums if p not in days}
    assert all(each["days"] == sum(day.startswith(period) for day in days) for period, each in totals.items())
    return days | {period: each["load"] for period, each in totals.items()}


def days(world: LocalWorld, account: str, pce: str) -> dict[str, float]:
    return {period: load for period, load in figures(world, account, pce).items() if len(period) == 10}


def secrets_in(part: Any, path: str = "") -> list[str]:
    if isinstance(part, dict):
        here = [f"{path}{key}" for key in part if any(word in key.lower() for word in SECRET_KEYS)]
        return here + [found for key, value in part.items() for found in secrets_in(value, f"{path}{key}.")]
    return [found for value in part for found in secrets_in(value, path)] if isinstance(part, list) else []
