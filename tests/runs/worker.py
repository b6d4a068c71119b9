"""A process that runs DAGs by ``dag.test()`` on request, so that every byte they print or log lands in one file.

Inside pytest Airflow's logging would keep the captured streams of whichever test imported it first. Requests are
JSON lines on stdin, answers JSON lines on the file descriptor that the command line names: neither is in the log.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.helpers import context

DAGS = Path(__file__).resolve().parents[2] / "dags"


def run_dag(account: str, at: str | None = None) -> dict[str, Any]:
    """Run an account's DAG as ``airflow dags test`` does; the run is about the last gas day over ``at`` that moment."""
    from airflow.dag_processing.dagbag import DagBag

    from include.gas.documents import dag_id

    bag = DagBag(str(DAGS))
    dag = bag.dags.get(dag_id(account))
    if dag is None:
        return {"state": None, "errors": list(bag.import_errors.values())}
    run = dag.test(**({} if at is None else {"logical_date": datetime.fromisoformat(at)}))
    tasks = {ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()}
    return {"state": str(getattr(run.state, "value", run.state)), "run_id": run.run_id, "tasks": tasks}


def run_step(step: str, account: str, day: str, pid_to: str = "", **arguments: Any) -> dict[str, Any]:
    """Execute one operator in a fork of this process, which a test may kill; its pid is written to a file first."""
    _import_all()
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        answer: dict[str, Any] = {"error": "did not end"}
        try:
            if pid_to:
                Path(pid_to).write_text(str(os.getpid()), encoding="ascii")
            answer = {"result": _execute(step, account, date.fromisoformat(day), arguments)}
        except Exception as error:  # noqa: BLE001 - whatever the operator raises is its outcome
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


def _import_all() -> None:
    """Import what the steps need, so that no fork has to."""
    import grdf.hooks.accounts
    import grdf.hooks.adict
    import grdf.hooks.lease
    import grdf.operators.acquire_token
    import grdf.operators.extract
    import grdf.operators.load  # noqa: F401 - only to have it in memory


def _execute(step: str, account: str, day: date, arguments: dict[str, Any]) -> Any:
    from airflow.sdk import DAG

    from grdf.operators.acquire_token import AcquireTokenOperator
    from grdf.operators.extract import ExtractOperator
    from grdf.operators.load import LoadOperator
    from tests.helpers import with_memory_shelf

    kind = {"acquire": AcquireTokenOperator, "extract": ExtractOperator, "load": LoadOperator}[step]
    now = context(day, run_id=arguments.pop("run_id", "step"), run_type="manual")
    with DAG("steps", schedule=None):
        operator = kind(task_id=step, account_id=account, **arguments)
    return (operator if step == "load" else with_memory_shelf(operator)).execute(now)


def shared_token() -> dict[str, Any]:
    """Give the shared data token as the Variable holds it."""
    from airflow.models.variable import Variable

    return json.loads(Variable.get("grdf_data_token", default_var="{}"))


def forget_token() -> None:
    """Remove the shared data token."""
    from airflow.models.variable import Variable

    Variable.delete("grdf_data_token")


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "run_dag": run_dag,
    "run_step": run_step,
    "shared_token": shared_token,
    "forget_token": forget_token,
}


def main() -> None:
    """Serve requests until stdin ends."""
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8", buffering=1) as answers:
        for line in sys.stdin:
            request = json.loads(line)
            before = dict(os.environ)
            os.environ.update(request.pop("env"))
            try:
                answer: Any = {"answer": COMMANDS[request.pop("do")](**request)}
            except Exception:  # noqa: BLE001 - the test that asked gets the whole traceback
                answer = {"failure": traceback.format_exc()}
            finally:
                for name in os.environ.keys() - before.keys():
                    del os.environ[name]
                os.environ.update(before)
            sys.stdout.flush()
            sys.stderr.flush()
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
