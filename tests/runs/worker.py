"""A process that runs DAGs with ``dag.test()`` on request, so that everything they print or log goes to one file.

Inside pytest, Airflow's logging would keep the captured streams of the test that imported it first. Requests are JSON
lines on stdin. Answers are JSON lines on the file descriptor given on the command line. Neither is in the log.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from include.gas.documents.gas_days import DAG_PREFIX, dag_id
from tests.helpers import context
from tests.masks import forget_masks

DAGS = Path(__file__).resolve().parents[2] / "dags"


def run_dag(account: str, at: str | None = None) -> dict[str, Any]:
    """Run an account's DAG as ``airflow dags test`` does, for the last gas day that has ended at the time ``at``."""
    when = {} if at is None else {"logical_date": datetime.fromisoformat(at)}
    return _tested(dag_id(account), "grdf_accounts.py", **when)


def run_named(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG as ``airflow dags test`` does, with the values of its form."""
    return _tested(dag_id, "grdf_accounts.py" if dag_id.startswith(DAG_PREFIX) else f"{dag_id}.py", run_conf=conf)


def _tested(dag_id: str, file: str, **arguments: Any) -> dict[str, Any]:
    dag, errors = _dag(dag_id, file)
    if dag is None:
        return {"state": None, "errors": errors}
    # dag.test() parses all files of the DAG's bundle and writes all their DAGs to Airflow's database: give it this one.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / file).symlink_to(DAGS / file)
        classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
        bundle = {"name": Path(file).stem, "classpath": classpath, "kwargs": {"path": folder}}
        os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps([bundle])
        return _ended(dag.test(**arguments))


def _dag(dag_id: str, file: str) -> tuple[Any, list[str]]:
    """Return the DAG from its file, or else from any file, and Airflow's import errors."""
    from airflow.dag_processing.dagbag import DagBag

    if dag := DagBag(str(DAGS / file)).dags.get(dag_id):
        return dag, []
    every = DagBag(str(DAGS))
    return every.dags.get(dag_id), list(every.import_errors.values())


def _ended(run: Any) -> dict[str, Any]:
    tasks = {
        f"{ti.task_id}{'' if ti.map_index < 0 else ti.map_index}": str(getattr(ti.state, "value", ti.state))
        for ti in run.get_task_instances()
    }
    return {"state": str(getattr(run.state, "value", run.state)), "run_id": run.run_id, "tasks": tasks}


def run_step(step: str, account: str, pid_to: str = "", **arguments: Any) -> dict[str, Any]:
    """Execute a step in a fork of this process, which a test may kill. Its pid is written to a file first.

    :param step: ``acquire``, ``extract``, ``load`` (one operator, with its arguments) or ``delete`` (a whole deletion)
    :param account: the account's id
    :param pid_to: the file for the pid
    :param arguments: arguments of an operator, with ``day``, ``run_id`` and ``run_type`` of its run, or of a deletion
    """
    _import_all()
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        answer: dict[str, Any] = {"error": "did not end"}
        try:
            if pid_to:
                Path(pid_to).write_text(str(os.getpid()), encoding="ascii")
            answer = {"result": (_delete if step == "delete" else _operator(step))(account, **arguments)}
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
    from tests.leaving import steps

    if not _imported:
        steps.operators("warm-up")
        _imported.append(True)


_imported: list[bool] = []


def _operator(step: str) -> Callable[..., Any]:
    from airflow.sdk import DAG

    from grdf.operators.acquire_token import AcquireTokenOperator
    from grdf.operators.extract import ExtractOperator
    from grdf.operators.load import LoadOperator
    from tests.helpers import with_memory_shelf

    def execute(
        account: str, day: str | None = None, run_id: str = "run", run_type: str = "manual", **arguments: Any
    ) -> Any:
        kind = {"acquire": AcquireTokenOperator, "extract": ExtractOperator, "load": LoadOperator}[step]
        now = context(None if day is None else date.fromisoformat(day), run_id=run_id, run_type=run_type)
        with DAG("steps", schedule=None):
            operator = kind(task_id=step, account_id=account, **arguments)
        return (operator if step == "load" else with_memory_shelf(operator)).execute(now | {"task": operator})

    return execute


def _delete(account: str, **arguments: Any) -> Any:
    from tests.leaving.steps import delete

    return delete(account, **arguments)


def shared_token() -> dict[str, Any]:
    """Return the shared data token from its Variable."""
    from airflow.models.variable import Variable

    return json.loads(Variable.get("grdf_data_token", default_var="") or "{}")


def forget_token() -> None:
    """Remove the shared data token."""
    from airflow.models.variable import Variable

    Variable.delete("grdf_data_token")


def asset_events() -> list[dict[str, Any]]:
    """Return all asset events of this Airflow, oldest first."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(
            select(AssetModel.name, AssetEvent.extra, AssetEvent.source_dag_id)
            .join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
            .order_by(AssetEvent.id)
        )
        return [{"asset": name, "extra": extra, "dag": dag} for name, extra, dag in rows]


def runs_of(account: str) -> list[dict[str, Any]]:
    """Return the runs of an account's DAG, oldest first."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id(account)).order_by(DagRun.id)).all()
        return [{"state": str(run.state), "triggered_by": str(getattr(run.triggered_by, "value", "?"))} for run in runs]


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "run_dag": run_dag,
    "run_named": run_named,
    "run_step": run_step,
    "runs_of": runs_of,
    "asset_events": asset_events,
    "shared_token": shared_token,
    "forget_token": forget_token,
}


def main() -> None:
    """Serve requests until stdin is closed."""
    gc.set_threshold(100_000)  # as in tests/conftest.py
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8", buffering=1) as answers:
        for line in sys.stdin:
            request = json.loads(line)
            before = dict(os.environ)
            forget_masks()
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
