"""The DAG bundle of the accounts' DAG files.

Airflow refreshes it every few seconds and reads a file again once it was written, so a new account's DAG exists within
15 s. Without an answer of CouchDB the files stay. Every component of Airflow imports this module, so it imports ours
only when used.
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
"""Seconds between refreshes, and between Airflow's checks whether one is due."""
PAUSE = 9
"""Factor of the pause after a wait in vain, which delays others' DAG files."""


class AccountBundle(BaseDagBundle):
    """The accounts' DAG files."""

    supports_versioning = True
    """With a constant version Airflow stops after a refresh, instead of listing files and reading all DAGs' rows."""

    def __init__(self, *, refresh_interval: int = EVERY, **options: Any) -> None:
        super().__init__(refresh_interval=refresh_interval, **options)
        self._mirror: AccountMirror[str] | None = None
        self._lines: Mapping[str, str] | None = None
        self._written: list[Path] = []
        self._failure: Exception | None = None
        self._ask_at = 0.0

    @property
    def path(self) -> Path:
        """The folder of the files."""
        return self.base_dir

    def get_current_version(self) -> BundleVersion:
        """Return the version, which is constant."""
        return BundleVersion("1")

    def initialize(self) -> None:
        """Make the files exist. A worker's have no accounts, and need none."""
        from grdf.airflow.bundle.account_files import write_missing

        write_missing(self.path)
        super().initialize()

    def refresh(self) -> None:
        """Write the files whose accounts have changed. Only the DAG processor calls this."""
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
            os.utime(path)  # Airflow may have read it during the write, and must see that it is newer
        self._written = []
        if lines is not self._lines:
            self._written = write_changed(self.path, lines)
            self._lines = lines
