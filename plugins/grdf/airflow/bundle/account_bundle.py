"""A DAG bundle that writes the accounts' DAG files when CouchDB's accounts have changed.

Airflow asks a bundle every few seconds for what is new, and reads a DAG file again when it has been written. So a new
account's DAG is there within 15 s, and nothing else is read for it. A file that CouchDB's answer says nothing new about
stays: the files are the last good list.

Every component of Airflow imports this module, so it imports nothing of ours before the bundle is used.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grdf.stores.accounts.account_mirror import AccountMirror

log = logging.getLogger(__name__)

EVERY = 5
"""Seconds between two looks, and between two times that Airflow checks whether these have passed."""
PAUSE = 9
"""How many times as long as we have waited in vain we do not ask again: others' DAG files wait while we do."""


class AccountBundle(BaseDagBundle):
    """The accounts' DAG files.

    :param refresh_interval: seconds between two looks for accounts
    :param options: as for Airflow's ``BaseDagBundle``
    """

    supports_versioning = True
    """Its files always have the same names, so its version never changes, and Airflow looks no further after a refresh.
    Otherwise it would list the files and read the rows of all DAGs each time."""

    def __init__(self, *, refresh_interval: int = EVERY, **options: Any) -> None:
        super().__init__(refresh_interval=refresh_interval, **options)
        self._mirror: AccountMirror[str] | None = None
        self._lines: Mapping[str, str] | None = None
        self._written: list[Path] = []
        self._failure: Exception | None = None
        self._ask_at = 0.0

    @property
    def path(self) -> Path:
        """The folder of the files, among those of all bundles."""
        return self.base_dir

    def get_current_version(self) -> BundleVersion:
        """Return the version, which is always the same."""
        return BundleVersion("1")

    def initialize(self) -> None:
        """Make the files exist. A worker's have no accounts, and need none."""
        from grdf.airflow.bundle.account_files import write_missing

        write_missing(self.path)
        super().initialize()

    def refresh(self) -> None:
        """Write the files whose accounts have changed. The DAG processor alone calls this, in its loop.

        :raises Exception: if CouchDB has not answered since the DAG processor started. Airflow then reads no file, so
            that all DAGs stay as they are
        """
        began = time.monotonic()
        if began >= self._ask_at:
            try:
                self._write(self._accounts())
                self._failure = None
            except Exception as error:  # noqa: BLE001 - whatever it is, the DAGs stay
                if self._failure is None:
                    log.warning("The accounts' DAGs stay as they are until CouchDB tells the accounts. %s", error)
                now = time.monotonic()
                self._failure, self._ask_at = error, now + PAUSE * (now - began)
        if self._failure is not None and self._lines is None:
            raise self._failure

    def _accounts(self) -> Mapping[str, str]:
        from grdf.airflow.account_list import accounts_with_dag, id_if_listed
        from grdf.stores.accounts.account_mirror import AccountMirror

        self._mirror = self._mirror or AccountMirror(id_if_listed)
        return accounts_with_dag(self._mirror)

    def _write(self, lines: Mapping[str, str]) -> None:
        from grdf.airflow.bundle.account_files import write_changed

        for path in self._written:
            os.utime(path)  # Airflow may have been reading it when it was written, and would not see that it is newer
        self._written = []
        if lines is not self._lines:
            self._written = write_changed(self.path, lines)
            self._lines = lines
