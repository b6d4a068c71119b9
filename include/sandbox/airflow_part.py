"""An Airflow component that imports modules in advance, so that the processes it forks need not import them.

The DAG processor forks a process for every file that it parses, and does so every few seconds where new accounts must
appear at once. LocalExecutor and Celery's workers fork a process for each task. If the Amazon provider is installed, as
it is for the tests, Airflow's asset classes alone import all of boto3 in each of these processes.

Only modules are imported: no connection is opened and no thread started.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator

FORKING = frozenset({"dag-processor", "scheduler", "celery"})
THEIRS = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.amazon.aws.assets.s3",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.standard.operators.empty",
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
    "airflow.serialization.serialized_objects",
)


def preload() -> None:
    """Import the modules. Skip providers that are not installed."""
    for name in (*THEIRS, *_ours()):
        try:
            importlib.import_module(name)
        except ImportError as error:
            if error.name is None or not error.name.startswith("airflow.providers"):
                raise


def _ours() -> Iterator[str]:
    import grdf

    for module in pkgutil.walk_packages(grdf.__path__, "grdf."):
        if not module.name.startswith("grdf.page"):  # which runs in the API server
            yield module.name


def main() -> None:
    """Run ``airflow`` with this program's arguments."""
    # Airflow's modules are a million objects that stay. With Python's default (2000), a sixteenth of the time goes into
    # looking through them again.
    gc.set_threshold(100_000)
    if sys.argv[1] in FORKING:
        preload()
        gc.freeze()  # a fork that looks through them copies their memory
    from airflow.__main__ import main as airflow

    airflow()  # type: ignore[no-untyped-call]  # untyped in Airflow


if __name__ == "__main__":
    sys.argv[0] = "airflow"
    main()
