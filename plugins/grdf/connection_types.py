"""The names of our own connection types. It imports nothing: every Airflow process reads it."""

from __future__ import annotations

GRDF, DELETION, COUCHDB = "grdf", "grdfdelete", "couchdb"
OURS = frozenset((GRDF, DELETION, COUCHDB))
