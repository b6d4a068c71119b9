"""The sandbox's state, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rights (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, pce TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS rights_pce ON rights (pce);
CREATE TABLE IF NOT EXISTS codes (
  hash TEXT PRIMARY KEY, body TEXT NOT NULL, expires REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tokens (
  hash TEXT PRIMARY KEY, client_id TEXT NOT NULL, scope TEXT NOT NULL, grant_type TEXT NOT NULL,
  expires REAL NOT NULL, code_hash TEXT);
CREATE TABLE IF NOT EXISTS corrections (
  pce TEXT NOT NULL, day TEXT NOT NULL, energie REAL, qualif TEXT NOT NULL, PRIMARY KEY (pce, day));
CREATE TABLE IF NOT EXISTS quirks (pce TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS proofs (
  n INTEGER PRIMARY KEY AUTOINCREMENT, right_id TEXT NOT NULL, sent INTEGER NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, content BLOB NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (day TEXT PRIMARY KEY, calls INTEGER NOT NULL);
"""


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of a token or code: the state never contains the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Store:
    """A SQLite connection shared by the server's threads, one statement at a time."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A crash of the machine may lose the last second, a kill nothing.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)
        self._settings: dict[str, Any] = {
            name: json.loads(value) for name, value in self._db.execute("SELECT name, value FROM settings")
        }

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows."""
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> None:
        """Run one statement."""
        self.rows(sql, *values)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or ``default`` if it was never stored."""
        return self._settings.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Store a setting, any JSON value."""
        with self.lock:
            self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))
            self._settings[name] = value

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()
