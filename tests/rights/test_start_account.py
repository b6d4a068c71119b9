"""``grdf_waiting_rights`` starts accounts that are to be read for the first time, whatever its XCom says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException
from msgspec.structs import replace

from grdf.operators.ways_in.start_account import StartAccountOperator
from include.gas.account.sections.status import Reading, Status
from include.gas.documents.gas_days import dag_id
from include.gas.errors import BadAccount, BadRequest
from tests.helpers import context, holder, known_account
from tests.rights.declared import accepts, answer, look, waits
from tests.rights.scene import check
from tests.rights.scene import run as read

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
    _, other = known_account(clean, account_id, 2)
    clean.book.save(Status.with_reading(clean.book.get(account_id) or {}, other, Reading()))
    run(dag_id(account_id))
    assert started == [dag_id(account_id)]


def test_an_account_with_a_new_right_on_a_meter_that_was_read_starts(
    clean: LocalWorld, account_id: str, started: list[str]
) -> None:
    """The household's former right is over, and another one was declared and accepted."""
    (pce,) = known_account(clean, account_id)
    stored = clean.book.get(account_id) or {}
    former = replace(Status.reading(stored, pce), under=("00000000-0000-4000-8000-000000000000",))
    clean.book.save(Status.with_reading(stored, pce, former))
    run(dag_id(account_id))
    assert started == [dag_id(account_id)]


def test_no_other_dag_starts(clean: LocalWorld, account_id: str, started: list[str]) -> None:
    """Users may be allowed to edit XComs, but not to start every DAG."""
    known_account(clean, account_id)
    for dag in ("grdf_send_proof", "somebody_elses", "", "x" * 5000):
        with pytest.raises(BadRequest, match="Nothing was started"):
            run(dag)
    with pytest.raises(AirflowSkipException, match="nothing was started"):
        run(dag_id(account_id))
    with pytest.raises(BadAccount):
        run(dag_id(f"{account_id}-nobody"))
    assert started == []


def test_a_second_try_accuses_nobody_when_the_started_run_has_read_the_account(
    clean: LocalWorld, account_id: str, started: list[str]
) -> None:
    """Nor does a right that is read, waits for its holder again and is accepted once more."""
    waits(clean, account_id)
    accepts(clean, account_id)
    (dag,) = look()
    run(dag)
    read(clean, account_id)
    with pytest.raises(AirflowSkipException, match="its history is read already"):
        run(dag)
    answer(clean, holder(account_id).pces[0], "A valider")
    for _ in range(2):
        check()
    accepts(clean, account_id)
    assert look("manual") == [dag]
    with pytest.raises(AirflowSkipException, match="its history is read already"):
        run(dag)
    assert started == [dag]
