"""Airflow's rows and CouchDB's accounts, for the tests of what the DAG processor is asked to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.utils.session import create_session
from sqlalchemy import delete, select

from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import dag_id
from include.gas.errors import ServiceUnavailable

DAGS = Path(__file__).resolve().parents[4] / "dags"
BUNDLE = "upkeep-test"
FIRST, SECOND, THIRD = "upkeep-one", "upkeep-two", "upkeep-three"


def down(_: object) -> None:
    raise ServiceUnavailable.about(None, "CouchDB could not be reached")


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"_id": name, "account_type": "grdfgrandlyon", **more}


def file_of(name: str) -> str:
    return f"grdf_accounts_{dag_file_of(name)}.py"


def show(*names: str) -> None:
    """Let Airflow show the DAGs of accounts, as after reading their files."""
    with create_session() as session:
        for name in names:
            session.merge(
                DagModel(
                    dag_id=dag_id(name), bundle_name=BUNDLE, relative_fileloc=file_of(name), is_stale=False,
                    timetable_type="grdf.timetable.GasDayTimetable",
                )
            )  # fmt: skip


def shown() -> set[str]:
    with create_session() as session:
        return set(session.scalars(select(DagModel.dag_id).where(~DagModel.is_stale, DagModel.bundle_name == BUNDLE)))


def asked() -> set[str]:
    """Return the files that were asked for, as the DAG processor takes them: once."""
    with create_session() as session:
        found = set(session.scalars(select(DagPriorityParsingRequest.relative_fileloc)))
        session.execute(delete(DagPriorityParsingRequest))
    return found
