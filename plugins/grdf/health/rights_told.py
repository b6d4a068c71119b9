"""Which rights without an account were told by mail: each is told once, though it may stay so for months."""

from __future__ import annotations

from collections.abc import Iterable

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import LEASE

TOLD = "rights-told"
"""Id of the document with their ids at GRDF."""


def untold(couchdb: CouchDBHook, rights: Iterable[str]) -> set[str]:
    """Return those of some rights that were not told yet."""
    return set(rights) - set((couchdb.get(LEASE, TOLD) or {}).get("rights") or ())


def note_told(couchdb: CouchDBHook, rights: Iterable[str]) -> None:
    """Note that these rights were told. If others write at the same time, they are told once more."""
    stored = couchdb.get(LEASE, TOLD) or {"_id": TOLD}
    couchdb.put(LEASE, {**stored, "rights": sorted(set(rights))})
