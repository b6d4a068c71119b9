"""The DAG files of an installed package as a DAG bundle: Airflow does not look for DAG files in ``site-packages``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

import grdf


class PackagedBundle(LocalDagBundle):
    """The DAG files that came with the package.

    :param options: as for Airflow's ``LocalDagBundle``, without ``path``
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(path=str(dag_folder()), **options)


def dag_folder() -> Path:
    """Return the folder of our DAG files: in the package, or in a checkout beside ``plugins/``."""
    package = Path(grdf.__path__[0])
    return package / "dags" if (package / "dags").is_dir() else package.parents[1] / "dags"
