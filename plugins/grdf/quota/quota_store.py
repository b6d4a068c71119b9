"""The stores of the quota's shared state: a SQLite file for one machine, Redis or PostgreSQL for several.

A store does one thing: it reads a text and a clock that all workers share, and writes the changed text, with no other
change in between. A process that dies halfway has written nothing and holds no lock: those of SQLite and PostgreSQL end
with the process, and Redis needs none (compare and set).

Why not an existing rate limiter? Measured with 4 to 6 processes at 5 calls a second, pyrate-limiter 4.5.1 exceeds the
quota with Redis (6 calls within 2 ms, because each process uses its own clock and looks back no further than that) and
with SQLite unless its file lock is on. Its PostgreSQL bucket stores local times, so that the repeated hour in October
looks like the future. Where it does keep the quota, one process took 52 to 57 of 60 calls and the 3 others the rest.
None of its buckets supports a pause for all processes, or counts two purposes together. ``limits`` 5.8 has no store for
several processes on one machine.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from include.gas.errors import BadSettings, StoreBusy

Result = TypeVar("Result")
Change = Callable[[str | None, float], tuple[str, Result]]
"""A function of the stored text and the shared clock (epoch seconds), which returns the text to store and a result."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PATIENCE = 30.0
"""Seconds to wait for the short updates of other processes."""


class Store(Protocol):
    """A place for short texts that processes change one after another."""

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text.

        :param key: identifies the text
        :param change: may be called again if another process wrote in between
        :raises BadSettings: if the store cannot be used
        :raises StoreBusy: if it cannot be reached at the moment
        """


def store_at(url: str) -> Store:
    """Return the store for the setting ``[grdf] quota_url``.

    :param url: ``sqlite:///path``, ``redis://...``, ``rediss://...`` or ``postgresql://...``
    :raises BadSettings: if the URL names another kind of store
    """
    scheme = _SCHEME.match(url)  # what splits a whole address quotes a part of a password that it cannot read
    kind = scheme[1].lower() if scheme else ""
    if kind == "sqlite":
        return SQLiteStore(Path(url.removeprefix("sqlite:///")))
    if kind in ("redis", "rediss"):
        return RedisStore(url)
    if kind.partition("+")[0] in ("postgresql", "postgres"):
        return PostgresStore(url)
    raise BadSettings.about(
        None,
        f"the setting [grdf] quota_url names an unknown kind of store ({kind or 'it has no scheme'})",
        "Use redis://HOST:PORT/0 or postgresql://USER:PASSWORD@HOST/DATABASE, or remove the setting for one machine.",
    )


class SQLiteStore:
    """A SQLite file, for all processes of one machine. It must not be on a network file system.

    :param file: created if it does not exist
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text, see :class:`Store`. The clock is this machine's."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.file.touch(mode=0o600)
            with closing(sqlite3.connect(self.file, timeout=_PATIENCE, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute("BEGIN IMMEDIATE")
                database.execute("CREATE TABLE IF NOT EXISTS quota (client TEXT PRIMARY KEY, ledger TEXT NOT NULL)")
                row = database.execute("SELECT ledger FROM quota WHERE client = ?", (key,)).fetchone()
                text, result = change(row[0] if row else None, time.time())
                database.execute("INSERT OR REPLACE INTO quota VALUES (?, ?)", (key, text))
                database.execute("COMMIT")
                return result
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise _busy(f"the file {self.file} was in use for {_PATIENCE:.0f} seconds") from None
            raise self._unusable(error) from None
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> BadSettings:
        return BadSettings.about(
            None,
            f"the file {self.file}, which counts the calls to GRDF, cannot be used ({error})",
            "Let Airflow's user write there, on a disk with free space. If the file is damaged, move it away: it "
            "is created again, and the calls of the last 24 hours are then not counted.",
        )


class RedisStore:
    """A Redis or Valkey server.

    :param url: in redis-py's format
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text, see :class:`Store`. The clock is the server's."""
        try:
            import redis
        except ImportError:
            raise _no_driver("redis", "redis") from None
        name, results = f"grdf:quota:{key}", []

        def turn(pipe: Any) -> None:
            stored = pipe.get(name)
            seconds, microseconds = pipe.time()
            text, result = change(None if stored is None else stored.decode(), seconds + microseconds / 1e6)
            results.append(result)
            pipe.multi()
            pipe.set(name, text)

        try:
            with redis.Redis.from_url(self._url, socket_timeout=_PATIENCE, socket_connect_timeout=5.0) as client:
                client.transaction(turn, name)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if isinstance(error, redis.AuthenticationError):
                raise _refused("Redis", error) from None
            raise _no_answer("the Redis server", error) from None
        except (redis.RedisError, ValueError) as error:
            raise _refused("Redis", error) from None
        return results[-1]


class PostgresStore:
    """A PostgreSQL database, for example Airflow's own.

    :param url: in SQLAlchemy's format
    """

    def __init__(self, url: str) -> None:
        kind, _, place = url.partition("://")
        self._url = f"{'postgresql+psycopg' if kind in ('postgres', 'postgresql') else kind}://{place}"

    def update(self, key: str, change: Change[Result]) -> Result:
        """Change one text, see :class:`Store`. The clock is the server's."""
        from sqlalchemy import NullPool, create_engine, make_url, text
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

        try:
            address = make_url(self._url)
        except (ArgumentError, ValueError) as error:  # the latter of a port that is no number: a part of a password
            raise _refused("PostgreSQL", error) from None
        try:
            engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": 5})
            with engine.begin() as database:
                # The lock lasts as long as this transaction, so updates run one after another. The first creates the
                # table.
                database.execute(
                    text("SELECT pg_advisory_xact_lock(hashtext('grdf_quota'), hashtext(:key))"), {"key": key}
                )
                if database.execute(text("SELECT to_regclass('grdf_quota')")).scalar() is None:
                    database.execute(text("SELECT pg_advisory_xact_lock(hashtext('grdf_quota table'))"))
                    database.execute(
                        text("CREATE TABLE IF NOT EXISTS grdf_quota (client TEXT PRIMARY KEY, ledger TEXT NOT NULL)")
                    )
                row = database.execute(text("SELECT ledger FROM grdf_quota WHERE client = :key"), {"key": key}).scalar()
                now = database.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
                ledger, result = change(row, float(now))
                database.execute(
                    text(
                        "INSERT INTO grdf_quota VALUES (:key, :ledger)"
                        " ON CONFLICT (client) DO UPDATE SET ledger = excluded.ledger"
                    ),
                    {"key": key, "ledger": ledger},
                )
                return result
        except (ImportError, NoSuchModuleError):
            package = "psycopg2-binary" if "+psycopg2:" in self._url else "psycopg[binary]"
            raise _no_driver(package, "postgresql") from None
        except (ArgumentError, TypeError) as error:
            raise _refused("PostgreSQL", error) from None
        except OperationalError as error:
            if error.orig is not None and (wrong := _refused_login(error.orig)):
                raise _refused("PostgreSQL", error, wrong) from None
            raise _no_answer("the database", error.orig) from None
        except SQLAlchemyError as error:
            raise _refused("PostgreSQL", error) from None


_LOGINS = {
    "the user or its password": re.compile(
        r"authentication failed|no password supplied|role .* does not exist|no such user|not permitted to log in"
    ),
    "the database": re.compile(r"database .* does not exist|no such database|permission denied for database"),
    "a login from this machine, by its pg_hba.conf": re.compile(r"pg_hba\.conf"),
    "encryption": re.compile(r"server does not support SSL"),
}
"""What PostgreSQL or PgBouncer refuses, by the text of its error: in psycopg 2 and 3 a refused login has no SQLSTATE.
If ``lc_messages`` is not English, a refused login counts as no answer; that message asks to check the login as well."""


def _refused_login(error: BaseException) -> str | None:
    """Return what PostgreSQL refuses of a login, or ``None`` if the failure is another one and may be temporary."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return {"28": "the user or its password", "3D": "the database"}.get(state[:2])
    return next((what for what, said in _LOGINS.items() if said.search(str(error))), None)


def _busy(cause: str, next_step: str | None = None) -> StoreBusy:
    return StoreBusy.about(None, f"GRDF was not called, since the calls cannot be counted: {cause}", next_step)


def _no_answer(place: str, error: BaseException | None) -> StoreBusy:
    return _busy(
        f"{place} of [grdf] quota_url does not answer ({type(error).__name__})",
        "It is tried again automatically. If this continues, check that the server runs, and the address, "
        "database, user and password in that setting.",
    )


def _refused(name: str, error: Exception, what: str | None = None) -> BadSettings:
    # Leave out the error's text: it may contain the address with its password.
    return BadSettings.about(
        None,
        f"the calls to GRDF cannot be counted: {name} refuses the settings in [grdf] quota_url "
        f"({what or type(error).__name__})",
        "Check the address, the user, its password and its permission to write (with PostgreSQL, to create a table).",
    )


def _no_driver(package: str, scheme: str) -> BadSettings:
    return BadSettings.about(
        None,
        f"the setting [grdf] quota_url names a {scheme} server, but its Python driver is not installed",
        f"Install the package {package} on every worker, or remove the setting if there is one machine.",
    )
