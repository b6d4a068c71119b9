"""A DAG bundle that has the accounts' DAG files read when their accounts have changed.

Airflow reads each DAG file again every ``[dag_processor] min_file_process_interval`` seconds, changed or not, and
writes all its DAGs again. With thousands of accounts that takes most of a core, day and night. With this bundle the
interval can be an hour (``airflow.env``): the DAG processor looks every few seconds whether CouchDB has other accounts
than before, and reads only the files that are concerned.

The files are those of the DAG folder, in a bundle of the usual name, so that nothing changes for what Airflow has
stored. Without this bundle they work as well, at the pace of the interval. Every component of Airflow imports this
module, so it imports nothing of ours before the DAG processor needs it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.local import LocalDagBundle

if TYPE_CHECKING:
    from grdf.airflow.bundle.upkeep import Upkeep

log = logging.getLogger(__name__)

ALWAYS = -3_000_000_000
"""The refresh interval, in seconds: before any time.

Airflow compares it with the time since the bundle was last refreshed, which it reads in its database. If a clock was
ahead then, the time is negative until that moment has come, and no look would be taken until then. So the interval lies
a hundred years further back, and ``[dag_processor] bundle_refresh_check_interval`` alone (5 s) says how often."""


class AccountBundle(LocalDagBundle):
    """The DAG folder, followed by CouchDB's accounts.

    :param options: as for Airflow's ``LocalDagBundle``: ``name``, ``path``
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"refresh_interval": ALWAYS})
        self._upkeep: Upkeep | None = None
        self._failure = ""

    def refresh(self) -> None:
        """Look whether accounts have come or gone. Called by the DAG processor, whose loop this never holds up long."""
        super().refresh()
        try:
            if self._upkeep is None:
                from grdf.airflow.bundle.upkeep import Upkeep

                self._upkeep = Upkeep(self.name, self.path)
            self._upkeep.look()
            self._failure = ""
        except Exception as error:
            # Airflow would not look for new and removed files either.
            if self._failure != repr(error):
                log.exception(
                    "The accounts' DAGs could not be compared with CouchDB's accounts. This is tried again every few "
                    "seconds, and said once."
                )
            self._failure = repr(error)
