"""The store of the quota's shared state, by SQLAlchemy: a SQLite file for one machine, PostgreSQL for several.

A store does one thing: it reads a text and a clock that all workers share, and writes the changed text, with no other
change in between. A process that dies halfway has written nothing, and its lock ends with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from include.gas.errors import BadSettings, StoreBusy

if TYPE_CHECKING:
    from sqlalchemy import Engine

Result = TypeVar("Result")
Change = Callable[[str | None, float], tuple[str, Result]]
"""A function of the stored text and the shared clock (epoch seconds), which returns the text to store and a result."""

_PATIENCE = 30.0
"""Seconds to wait for the short updates of other processes."""
_BEGIN = {
    "sqlite": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
    "postgresql": ("BEGIN", "SELECT pg_advisory_xact_lock(hashtext('grdf_quota'))"),
}
_WRITE = (
    "INSERT INTO grdf_quota (client, ledger) VALUES (:client, :ledger)"
    " ON CONFLICT (client) DO UPDATE SET ledger = excluded.ledger"
)


class Store(Protocol):
    """A place for short texts that processes change one after another."""

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text.

        :param key: identifies the text
        :raises BadSettings: if the store cannot be used
        """


def store_at(url: str) -> Store:
    """Return the store for the setting ``[grdf] quota_url``.

    :param url: ``sqlite:///path`` or ``postgresql://...``
    :raises BadSettings: if the URL names another kind of store
    """
    scheme, _, place = url.partition("://")
    kind, _, driver = scheme.lower().partition("+")
    if place and kind == "sqlite":
        return SQLStore(url, Path(place.removeprefix("/")))
    if place and kind in ("postgresql", "postgres"):
        return SQLStore(f"postgresql+{driver or 'psycopg'}://{place}")
    raise BadSettings.about(
        None,
        "the setting [grdf] quota_url names an unknown kind of store",
        "Use postgresql://USER:PASSWORD@HOST/DATABASE, or remove the setting for one machine.",
    )


class SQLStore:
    """A table in a SQLite file, for all processes of one machine, or in a PostgreSQL database such as Airflow's own.

    :param url: in SQLAlchemy's format
    :param file: the SQLite file, created if it does not exist; it must not be on a network file system
    """

    def __init__(self, url: str, file: Path | None = None) -> None:
        self.file = file
        self._url = url

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text, see :class:`Store`. The clock is PostgreSQL's, or this machine's."""
        from sqlalchemy.exc import OperationalError, SQLAlchemyError

        try:
            engine = _engine(self._url)
            if self.file:
                self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.file.touch(mode=0o600)
        except (SQLAlchemyError, ImportError, OSError, ValueError) as error:  # a ValueError of a port that is no number
            raise self._unusable(error) from None
        try:
            return _update(engine, key, change)
        except OperationalError as error:
            if self.file and not any(word in str(error.orig) for word in ("locked", "is full")):
                raise self._unusable(error) from None
            raise self._busy(error) from None
        except SQLAlchemyError as error:
            raise self._unusable(error) from None

    # No message repeats an error's text if it may contain the address with its password.

    def _unusable(self, error: Exception) -> BadSettings:
        if self.file:
            cause = getattr(error, "orig", error)
            return BadSettings.about(
                None,
                f"the file {self.file}, which counts the calls to GRDF, cannot be used ({cause})",
                "Let Airflow's user write there, on a disk with free space. If the file is damaged, move it away: it "
                "is created again, and the calls of the last 24 hours are then not counted.",
            )
        return BadSettings.about(
            None,
            f"the calls to GRDF cannot be counted: [grdf] quota_url cannot be used ({type(error).__name__})",
            "Check the address, the user's permission to create a table and to write, and that the database's Python "
            "driver (psycopg[binary]) is installed on every worker.",
        )

    def _busy(self, error: Exception) -> StoreBusy:
        cause, next_step = f"the file {self.file} cannot be used at the moment ({getattr(error, 'orig', error)})", None
        if not self.file:
            cause = f"the database of [grdf] quota_url does not answer ({type(error).__name__})"
            next_step = (
                "It is tried again automatically. If this continues, check that the server runs, and the address, "
                "database, user and password in that setting."
            )
        return StoreBusy.about(None, f"GRDF was not called, since the calls cannot be counted: {cause}", next_step)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    from sqlalchemy import NullPool, create_engine, make_url

    address = make_url(url)
    patience = {"timeout": _PATIENCE} if address.drivername == "sqlite" else {"connect_timeout": 5}
    # No connection outlives an update: tasks are forked, and thousands must not hold one each.
    return create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=patience)


def _update(engine: Engine, key: str, change: Change[Result]) -> Result:
    from sqlalchemy import Column, MetaData, Table, Text, text

    table = Table("grdf_quota", MetaData(), Column("client", Text, primary_key=True), Column("ledger", Text))
    with engine.connect() as database:  # what is not committed ends with it
        for words in _BEGIN[engine.dialect.name]:
            database.exec_driver_sql(words)
        table.create(database, checkfirst=True)
        stored = database.scalar(text("SELECT ledger FROM grdf_quota WHERE client = :client"), {"client": key})
        now = time.time()
        if engine.dialect.name == "postgresql":
            now = float(database.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())
        ledger, result = change(stored, now)
        database.execute(text(_WRITE), {"client": key, "ledger": ledger})
        database.exec_driver_sql("COMMIT")
        return result
