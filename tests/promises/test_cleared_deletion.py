"""A deletion that is cleared in Airflow, with all of Airflow's components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.promises import stack_adapter as product
from tests.promises.departures import DELETION, answer, parked, records_of
from tests.promises.stack import ADMIN, APPROVER

if TYPE_CHECKING:
    from tests.promises.stack import Stack

WHO, OTHER_DAG = product.person(73, "promise-cleared"), "grdf_adopt_konnector"


def test_what_is_cleared_still_needs_two_persons(stack: Stack) -> None:
    stack.connect(WHO)
    assert stack.first_run(WHO.account)["state"] == "success"
    (right,) = stack.rights(WHO)
    other = stack.start(OTHER_DAG, account=WHO.account, dry_run=True)
    stack.end(OTHER_DAG, other)
    run = stack.start(DELETION, account=WHO.account, confirm=WHO.account, dry_run=False)
    answer(stack, run, "Reject")
    stack.end(DELETION, run)
    cleared = [{"dag_id": dag, "dag_run_id": each} for dag, each in ((DELETION, run), (OTHER_DAG, other))]
    body = {"dag_runs": cleared, "dry_run": False, "only_failed": False}
    second = {"Authorization": f"Bearer {stack.airflow.token(APPROVER, stack.passwords[APPROVER])}"}
    response = stack.api("POST", "/dags/~/clearDagRuns", json=body, headers=second)
    assert response.status_code == 200, response.text
    answer(stack, run, "Approve", by=ADMIN, times=3)  # after the question before, and its end
    parked(stack, run, times=4)
    assert stack.rights(WHO) == {right: "Active"}
    answer(stack, run, "Approve", times=4)
    ended = stack.end(DELETION, run)
    assert ended["state"] == "success", stack.log_of(ended)
    assert stack.rights(WHO) == {right: "Révoquée"}
    (record,) = records_of(stack, WHO.account)
    assert (record["asked_by"].split()[-1], record["approved_by"].split()[-1]) == (ADMIN, APPROVER)
