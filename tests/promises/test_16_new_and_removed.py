"""Promise 16: a new account's DAG is there within 15 s, a removed one's is gone.

5,000 accounts at rest and a pass over them are measured by ``./grdf bench fleet``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.promises.stack import ACCOUNTS, COZY, NEW_DAG, STAYER, dag_of, wait
from tests.promises.stack_adapter import person

if TYPE_CHECKING:
    from tests.promises.stack import Stack


def test_a_new_account_has_its_dag_and_a_removed_one_has_none(stack: Stack) -> None:
    """Nobody acts: the account's document comes and goes, and so does its DAG. The others' stay."""
    who = person(61, "promise-comes-and-goes")
    own = dag_of(who.account)
    wait(lambda: stack.has_dag(dag_of(STAYER)), "first DAG")
    assert not stack.has_dag(own)
    stack.connect(who)
    wait(lambda: stack.has_dag(own), "DAG of a new account", NEW_DAG)
    assert stack.first_run(who.account)["state"] == "success"

    stack.remove(ACCOUNTS, who.account)
    wait(lambda: not stack.has_dag(own), "end of a removed account's DAG", NEW_DAG)
    assert stack.has_dag(dag_of(STAYER))
    assert stack.has_dag(dag_of(COZY))


def test_its_first_run_needs_nobody(stack: Stack) -> None:
    """The DAG is not paused, and the scheduler runs it at once."""
    run = stack.first_run(STAYER)
    assert (run["run_type"], run["state"]) == ("scheduled", "success"), stack.log_of(run)
    assert stack.api("GET", f"/dags/{dag_of(STAYER)}").json()["is_paused"] is False
    assert stack.tasks(run) == dict.fromkeys(("acquire_token", "rescope_token", "extract", "load"), "success")
