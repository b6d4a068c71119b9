"""Promise 16: a new account's DAG is there in 15 s, a removed one's is gone (of 5,000: ``./grdf bench fleet``)."""

from __future__ import annotations

from tests.promises.stack import ACCOUNTS, COZY, METER, NEW_DAG, STAYER, Stack, dag_of, wait
from tests.promises.stack_adapter import person


def test_a_new_account_has_its_dag_and_a_removed_one_has_none(stack: Stack) -> None:
    who = person(61, "promise-comes-and-goes")
    own = dag_of(who.account)
    wait(lambda: stack.has_dag(dag_of(STAYER)), "first DAG")
    assert not stack.has_dag(own)
    stack.connect(who)
    wait(lambda: stack.has_dag(own), "DAG of a new account", NEW_DAG)
    run = stack.first_run(who.account)  # which the scheduler starts at once
    assert (run["run_type"], run["state"]) == ("scheduled", "success"), stack.log_of(run)
    assert stack.api("GET", f"/dags/{own}").json()["is_paused"] is False
    assert stack.tasks(run) == dict.fromkeys(("acquire_token", "rescope_token", "extract", "load"), "success")
    stack.remove(ACCOUNTS, who.account)
    wait(lambda: not stack.has_dag(own), "end of a removed account's DAG", NEW_DAG)
    assert stack.has_dag(dag_of(STAYER))
    assert stack.has_dag(dag_of(COZY))
    for pce in who.pces:  # its right is in force, so that the watch would ask to restore it
        stack.remove(METER, pce)
