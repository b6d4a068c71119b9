"""The steps that Airflow's DAG processor and workers perform for a DAG file, so that each can be timed."""

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
    """Execute a DAG file and check its DAGs, as the processor's child and a worker do.

    :param file: the DAG file
    :raises RuntimeError: with Airflow's message, if the file cannot be loaded
    """
    bag = BundleDagBag(dag_folder=str(file), bundle_path=file.parent, bundle_name=BUNDLE, load_op_links=False)
    if bag.import_errors:
        raise RuntimeError(f"{file.name} does not load: {'; '.join(bag.import_errors.values())}")
    return bag


def serialise(*bags: BundleDagBag) -> list[LazyDeserializedDAG]:
    """Serialise the DAGs of some files, as the processor's child does before it passes them on."""
    return [
        LazyDeserializedDAG(data=DagSerialization.to_dict(dag), last_loaded=dag.last_loaded)
        for bag in bags
        for dag in bag.dags.values()
    ]


def copies(dags: list[LazyDeserializedDAG]) -> list[LazyDeserializedDAG]:
    """Return new objects, as the processor gets them from its child at each pass, without any cached values."""
    return [LazyDeserializedDAG(data=json.loads(json.dumps(dag.data)), last_loaded=dag.last_loaded) for dag in dags]


def sync(dags: list[LazyDeserializedDAG]) -> None:
    """Write a file's DAGs to Airflow's database, as the processor does at every pass, whether changed or not.

    :raises RuntimeError: if Airflow could not store one
    """
    errors: dict[tuple[str, str], str] = {}
    with create_session() as session:
        update_dag_parsing_results_in_db(BUNDLE, None, dags, errors, 0.0, set(), session)
    if errors:
        raise RuntimeError(f"Airflow did not store the DAGs: {'; '.join(errors.values())}")


def make_database() -> None:
    """Create Airflow's database in its home, with a bundle for the project's DAGs."""
    initdb()
    with create_session() as session:
        session.add(DagBundleModel(name=BUNDLE))


def serialised_bytes(dags: list[LazyDeserializedDAG]) -> float:
    """Return the mean size of a serialised DAG, in bytes of JSON."""
    return sum(len(json.dumps(dag.data)) for dag in dags) / len(dags)


@contextmanager
def parsing_context(dag_id: str | None) -> Iterator[None]:
    """Tell DAG files which DAG is wanted, as Airflow does in a worker; ``None`` for all, as in the DAG processor.

    Airflow's own helper does not reset this afterwards, which would restrict every later parse.
    """
    before: Any = os.environ.pop(PARSING_CONTEXT, None)
    try:
        if dag_id is not None:
            os.environ[PARSING_CONTEXT] = dag_id
        yield
    finally:
        os.environ.pop(PARSING_CONTEXT, None)
        if before is not None:
            os.environ[PARSING_CONTEXT] = before
