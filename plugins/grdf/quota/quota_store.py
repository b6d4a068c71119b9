"""The quota's state by SQLAlchemy: SQLite or PostgreSQL, changed atomically by a lock that ends with its process."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from include.gas.errors import BadSettings, StoreBusy

if TYPE_CHECKING:
    from sqlalchemy import Engine

Result = TypeVar("Result")
Change = Callable[[str | None, float], tuple[str, Result]]
"""From the stored text and the shared clock (epoch seconds) to the text to store and a result."""

_PATIENCE = 30.0
"""Seconds to wait for other processes' short updates."""
_BEGIN = {
    "sqlite": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
    "postgresql": ("BEGIN", "SELECT pg_advisory_xact_lock(hashtext('grdf_quota'))"),
}
_READ = "SELECT ledger FROM grdf_quota WHERE client = :client"
_WRITE = (
    "INSERT INTO grdf_quota (client, ledger) VALUES (:client, :ledger)"
    " ON CONFLICT (client) DO UPDATE SET ledger = excluded.ledger"
)


class QuotaStore:
    """A table in a SQLite file, or in a PostgreSQL database such as Airflow's own.

    :param url: ``[grdf] quota_url``: ``sqlite:///path`` (created if missing, never on a network file system) or
        ``postgresql://...``
    :raises BadSettings: if the URL names another kind of store
    """

    def __init__(self, url: str) -> None:
        scheme, _, place = url.partition("://")
        kind, _, driver = scheme.lower().partition("+")
        if not place or kind not in ("sqlite", "postgresql", "postgres"):
            raise BadSettings.about(
                None,
                "the setting [grdf] quota_url names an unknown kind of store",
                "Use postgresql://USER:PASSWORD@HOST/DATABASE, or remove the setting for one machine.",
            )
        self.file = Path(place.removeprefix("/")) if kind == "sqlite" else None
        self._url = url if self.file else f"postgresql+{driver or 'psycopg'}://{place}"

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text by PostgreSQL's or this machine's clock; ``StoreBusy`` may pass, ``BadSettings`` not."""
        from sqlalchemy import Column, MetaData, Table, Text, text
        from sqlalchemy.exc import SQLAlchemyError

        table = Table("grdf_quota", MetaData(), Column("client", Text, primary_key=True), Column("ledger", Text))
        try:
            if self.file:
                self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.file.touch(mode=0o600)
            with _engine(self._url).connect() as database:  # what is not committed ends with it
                for words in _BEGIN[database.dialect.name]:
                    database.exec_driver_sql(words)
                table.create(database, checkfirst=True)
                stored = database.scalar(text(_READ), {"client": key})
                now = time.time()
                if not self.file:
                    now = float(database.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())
                ledger, result = change(stored, now)
                database.execute(text(_WRITE), {"client": key, "ledger": ledger})
                database.exec_driver_sql("COMMIT")
                return result
        except (SQLAlchemyError, ImportError, OSError, ValueError) as error:  # a ValueError of a port that is no number
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> BadSettings | StoreBusy:
        """Return the error without any text that may contain a password."""
        from sqlalchemy.exc import OperationalError

        place = f"the file {self.file}" if self.file else "the database of [grdf] quota_url"
        said = getattr(error, "orig", error) if self.file else type(error).__name__
        cause = f"the calls to GRDF cannot be counted: {place} cannot be used ({said})"
        next_step = (
            "Let Airflow's user write there, on a disk with free space. If the file is damaged, move it away: it is "
            "created again, and the calls of the last 24 hours are then not counted."
            if self.file
            else "Check that the server runs, the address, the user's permission to create a table and to write, and "
            "that the database's Python driver (psycopg[binary]) is installed on every worker."
        )
        may_pass = not self.file or any(word in str(said) for word in ("locked", "is full"))
        if isinstance(error, OperationalError) and may_pass:
            return StoreBusy.about(None, cause, f"It is tried again automatically. If this continues: {next_step}")
        return BadSettings.about(None, cause, next_step)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    from sqlalchemy import NullPool, create_engine, make_url

    address = make_url(url)
    patience = {"timeout": _PATIENCE} if address.drivername == "sqlite" else {"connect_timeout": 5}
    # No connection outlives an update: tasks are forked, and thousands must not hold one each.
    return create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=patience)
