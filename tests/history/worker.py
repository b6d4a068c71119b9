"""The worker of ``tests.runs`` with two more commands: any DAG with a filled form, and the asset events there are."""

from __future__ import annotations

from typing import Any

from tests.runs import worker


def run_named(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG as ``airflow dags test`` does, with what its form was given."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(worker.DAGS))
    run = bag.dags[dag_id].test(run_conf=conf)
    tasks = {
        f"{ti.task_id}{'' if ti.map_index < 0 else ti.map_index}": str(getattr(ti.state, "value", ti.state))
        for ti in run.get_task_instances()
    }
    return {"state": str(getattr(run.state, "value", run.state)), "run_id": run.run_id, "tasks": tasks}


def asset_events() -> list[dict[str, Any]]:
    """Give all asset events that this Airflow holds, oldest first."""
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


worker.COMMANDS.update(run_named=run_named, asset_events=asset_events)  # type: ignore[attr-defined] # read-only for its readers

if __name__ == "__main__":
    worker.main()
