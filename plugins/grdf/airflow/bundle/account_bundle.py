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


class AccountBundle(LocalDagBundle):
    """The DAG folder, followed by CouchDB's accounts.

    :param options: as for Airflow's ``LocalDagBundle``: ``name``, ``path``, ``refresh_interval``
    """

    def __init__(self, **options: Any) -> None:
        self._upkeep: Upkeep | None = None
        self._failure = ""
        super().__init__(**options)

    @property
    def refresh_interval(self) -> int:
        """Seconds between two times that Airflow looks for new and removed DAG files.

        The DAG processor, and nobody else, asks for it every ``[dag_processor] bundle_refresh_check_interval`` (5 s),
        to decide whether to refresh the bundle. That is when we look for accounts. To refresh it each time would be the
        plain way, but then Airflow 3.3 reads the rows of all DAGs: with 20,000 accounts a tenth of a core.
        """
        if self._upkeep is not None:  # Airflow has refreshed the bundle, and is ready
            self._look()
        return self._interval

    @refresh_interval.setter
    def refresh_interval(self, seconds: int) -> None:
        self._interval = seconds

    def refresh(self) -> None:
        """Look whether accounts have come or gone, too. Called by the DAG processor at its start, and now and then."""
        super().refresh()
        self._look()

    def _look(self) -> None:
        """Look whether accounts have come or gone. This never holds up the DAG processor's loop for long."""
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
