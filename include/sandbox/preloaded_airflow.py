"""An Airflow component that imports modules before it forks: the DAG processor per file, executors per task."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys

FORKING = frozenset({"dag-processor", "scheduler", "celery"})
THEIRS = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.operators.empty",
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
    "airflow.serialization.serialized_objects",
)


def preload() -> None:
    """Import the modules, without those of missing providers."""
    from grdf.airflow.preload import preload

    for name in THEIRS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    preload()


def main() -> None:
    """Run ``airflow`` with this program's arguments."""
    # Airflow's modules are a million objects that stay: by default, a sixteenth of the time goes into scanning them.
    gc.set_threshold(100_000)
    if sys.argv[1] in FORKING:
        preload()
        gc.freeze()  # a fork that scans them copies their memory
    from airflow.__main__ import main as airflow

    airflow()  # type: ignore[no-untyped-call]  # untyped in Airflow


if __name__ == "__main__":
    sys.argv[0] = "airflow"
    main()
