"""``grdf_waiting_rights`` starts accounts that are to be read for the first time, whatever its XCom says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from grdf.operators.ways_in.start_account import StartAccountOperator
from include.gas.documents.gas_days import dag_id
from include.gas.errors import BadAccount, BadRequest
from tests.helpers import context, known_account

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of DAGs that Airflow would start."""
    found: list[str] = []

    def start(self: TriggerDagRunOperator, _: Any) -> None:
        found.append(self.trigger_dag_id)

    monkeypatch.setattr(TriggerDagRunOperator, "execute", start)
    return found


def run(dag: str) -> None:
    operator = StartAccountOperator(task_id="first_launch", trigger_dag_id=dag)
    operator.execute(context(run_type="manual"))


def test_an_account_with_a_meter_that_was_never_read_starts(
    clean: LocalWorld, account_id: str, started: list[str]
) -> None:
    known_account(clean, account_id, 2)
    stored = clean.book.get(account_id) or {}
    stored["history"].popitem()
    clean.book.save(stored)
    run(dag_id(account_id))
    assert started == [dag_id(account_id)]


def test_an_account_with_a_new_right_on_a_meter_that_was_read_starts(
    clean: LocalWorld, account_id: str, started: list[str]
) -> None:
    """The household's former right is over, and another one was declared and accepted."""
    (pce,) = known_account(clean, account_id)
    stored = clean.book.get(account_id) or {}
    stored["history"][pce]["id_accreditation"] = "00000000-0000-4000-8000-000000000000"
    clean.book.save(stored)
    run(dag_id(account_id))
    assert started == [dag_id(account_id)]


def test_no_other_dag_starts(clean: LocalWorld, account_id: str, started: list[str]) -> None:
    """Users may be allowed to edit XComs, but not to start every DAG."""
    known_account(clean, account_id)
    for dag in (dag_id(account_id), "grdf_send_proof", "somebody_elses", ""):
        with pytest.raises(BadRequest, match="Nothing was started"):
            run(dag)
    with pytest.raises(BadAccount):
        run(dag_id(f"{account_id}-nobody"))
    assert started == []
