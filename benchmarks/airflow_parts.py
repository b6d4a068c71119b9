"""Airflow's steps for a DAG file, in processor and workers, each to be timed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.dagbundle import DagBundleModel
from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID as PARSING_CONTEXT
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session

BUNDLE = "bench"


def build(file: Path) -> BundleDagBag:
    bag = BundleDagBag(dag_folder=str(file), bundle_path=file.parent, bundle_name=BUNDLE, load_op_links=False)
    if bag.import_errors:
        raise RuntimeError(f"{file.name} does not load: {'; '.join(bag.import_errors.values())}")
    return bag


def serialise(*bags: BundleDagBag) -> list[LazyDeserializedDAG]:
    """Serialise DAGs as the processor's child does."""
    return [
        LazyDeserializedDAG(data=DagSerialization.to_dict(dag), last_loaded=dag.last_loaded)
        for bag in bags
        for dag in bag.dags.values()
    ]


def copies(dags: list[LazyDeserializedDAG]) -> list[LazyDeserializedDAG]:
    return [LazyDeserializedDAG(data=json.loads(json.dumps(dag.data)), last_loaded=dag.last_loaded) for dag in dags]


def sync(dags: list[LazyDeserializedDAG]) -> None:
    """Write a file's DAGs to Airflow's database, as at every pass."""
    errors: dict[tuple[str, str], str] = {}
    with create_session() as session:
        update_dag_parsing_results_in_db(BUNDLE, None, dags, errors, 0.0, set(), session)
    if errors:
        raise RuntimeError(f"Airflow did not store the DAGs: {'; '.join(errors.values())}")


def make_database() -> None:
    initdb()
    with create_session() as session:
        session.add(DagBundleModel(name=BUNDLE))


def serialised_bytes(dags: list[LazyDeserializedDAG]) -> float:
    return sum(len(json.dumps(dag.data)) for dag in dags) / len(dags)


@contextmanager
def parsing_context(dag_id: str | None) -> Iterator[None]:
    """Tell DAG files which DAG is wanted, as in a worker. Airflow's own helper does not reset this."""
    before: Any = os.environ.pop(PARSING_CONTEXT, None)
    try:
        if dag_id is not None:
            os.environ[PARSING_CONTEXT] = dag_id
        yield
    finally:
        os.environ.pop(PARSING_CONTEXT, None)
        if before is not None:
            os.environ[PARSING_CONTEXT] = before
