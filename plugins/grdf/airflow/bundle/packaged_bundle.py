"""The package's DAG files as a bundle: Airflow does not look into ``site-packages``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

import grdf


class PackagedBundle(LocalDagBundle):
    """The DAG files that came with the package."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path=str(dag_folder()), **options)


def dag_folder() -> Path:
    """Return the folder of our DAG files: in the package, or in a checkout beside ``plugins/``."""
    package = Path(grdf.__path__[0])
    return package / "dags" if (package / "dags").is_dir() else package.parents[1] / "dags"
