"""The worker of ``tests.runs`` with two more commands: any DAG with a filled form, a deletion that may be killed."""

from __future__ import annotations

import json
import os
import traceback
from datetime import date
from pathlib import Path
from typing import Any

from tests.runs import worker


def run_named(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG as ``airflow dags test`` does, with what its form was given."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(worker.DAGS))
    run = bag.dags[dag_id].test(run_conf=conf)
    tasks = {ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()}
    return {"state": str(getattr(run.state, "value", run.state)), "run_id": run.run_id, "tasks": tasks}


def in_fork(what: str, account: str, pid_to: str = "", **arguments: Any) -> dict[str, Any]:
    """Execute a deletion, or an account's ``load`` or first launch, in a fork of this process that may be killed."""
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        answer: dict[str, Any] = {"error": "did not end"}
        try:
            if pid_to:
                Path(pid_to).write_text(str(os.getpid()), encoding="ascii")
            answer = {"result": _execute(what, account, arguments)}
        except Exception as error:  # noqa: BLE001 - the test that asked looks at it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        finally:
            os.write(out, json.dumps(answer).encode())
            os._exit(0)
    os.close(out)
    with os.fdopen(into, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return {**json.loads(text or b"{}"), "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None}


def _execute(what: str, account: str, arguments: dict[str, Any]) -> Any:
    from tests.leaving.steps import delete

    if what == "delete":
        return delete(account, **arguments)
    from airflow.sdk import DAG

    from grdf.operators.acquire_token import AcquireTokenOperator
    from grdf.operators.load import LoadOperator
    from tests.helpers import context, with_memory_shelf

    with DAG("steps", schedule=None):
        if what == "load":
            day = date.fromisoformat(arguments.pop("day"))
            operator = LoadOperator(task_id=what, account_id=account, **arguments)
            return operator.execute(context(day) | {"task": operator})
        return with_memory_shelf(AcquireTokenOperator(task_id=what, account_id=account)).execute(context())


worker.COMMANDS.update(run_named=run_named, in_fork=in_fork)  # type: ignore[attr-defined] # read-only for its readers

if __name__ == "__main__":
    from tests.leaving import steps

    worker._import_all()
    steps.operators("warm-up")  # imported once, so that no fork has to
    worker.main()
