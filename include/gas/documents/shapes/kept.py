"""What all stored documents have in common."""

from __future__ import annotations

import msgspec


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document in CouchDB."""

    id: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")
