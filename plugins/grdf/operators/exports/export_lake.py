"""Lets the lake, the copy of days and totals for analysts, follow CouchDB."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import first_kept_day
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadSettings
from include.gas.lake.rows import TABLES, Pseudonyms, Table, row_of_change

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.lake import Lake

SECRET = "grdf_lake_secret"
"""Airflow's Variable with the secret of the pseudonyms: Airflow hides a value whose name has this word."""
PAGE = 5000
"""Changes per request."""
BATCH = 250_000
"""Rows held until they are stored, some 50 MB: each batch of a first run touches nearly all files."""


class ExportLakeOperator(GrdfOperator):
    """Stores what has changed in CouchDB since the last run, and removes what was purged there.

    A purge leaves no change. So all accounts in the files are compared with those that exist, and days go by the rule
    of ``grdf_retention``.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return counts; ``BadSettings`` without a place or pyarrow, or if all accounts are gone."""
        lake, pseudonyms = self._open_lake()
        changes = {table.name: self._follow(lake, table, pseudonyms) for table in TABLES}
        first_year = first_kept_day(paris_today(datetime.now(UTC)), settings.days_kept_years()).year
        accounts = [row["id"] for row in self.couchdb.rows(ACCOUNT) if not row["id"].startswith("_design/")]
        lake.remove_others({pseudonyms[account] for account in accounts}, first_year)
        counts = {**changes, "files": lake.files_written, "removed": lake.rows_removed}
        self.log.info(
            "Lake: %d changed days, %d months, %d years; %d rows of who or what is gone removed; %d files written.",
            *changes.values(), lake.rows_removed, lake.files_written,
        )  # fmt: skip
        return counts

    def _open_lake(self) -> tuple[Lake, Pseudonyms]:
        url = settings.lake_url()
        if url is None:
            raise BadSettings.about(
                None,
                "the setting [grdf] lake_url names no place for the copy for analysts",
                "Nothing was written. Set it to a folder or an object store, then start grdf_export_lake again.",
            )
        try:
            from grdf.stores.lake import Lake
        except ImportError as error:
            raise BadSettings.about(
                None,
                f"the package {error.name} is missing, by which the copy for analysts is written",
                "Install the extra lake of this package (airflow-provider-grdf[lake]) on every worker.",
            ) from None
        pseudonyms = Pseudonyms(read_secret())
        facts = self.couchdb.facts
        return Lake(url, pseudonyms, f"{facts.url} {facts.prefix} {settings.days_kept_years()}"), pseudonyms

    def _follow(self, lake: Lake, table: Table, pseudonyms: Pseudonyms) -> int:
        """Let a table follow CouchDB, and return the number of changes."""
        from include.gas.lake.partitions import rows_table

        since, total, waiting, is_over = lake.since(table), 0, list[Any](), False
        while not is_over:
            changes, end = self.couchdb.changes(table.doctype, since, PAGE)
            found = (row_of_change(table, change, pseudonyms) for change in changes)
            waiting.append(rows_table(table, filter(None, found)))
            # The embedded server leaves out what it has purged, and so may answer with nothing at a new end.
            is_over, since = end == since or not changes, end
            if (is_over or sum(map(len, waiting)) >= BATCH) and since != lake.since(table):
                total += sum(map(len, waiting))
                lake.store(table, waiting, since)
                waiting = []
        return total


def read_secret() -> str:
    """Return the secret of the pseudonyms, made by the first run."""
    secret: str | None = Variable.get(SECRET, default=None)
    if secret is None:
        secret = secrets.token_hex(32)
        Variable.set(SECRET, secret, description="Secret of the pseudonyms in the lake; without it they are made anew")
    return secret
