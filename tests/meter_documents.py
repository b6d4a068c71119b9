"""Documents of meters, as GRDF's list has left them."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from include.gas.rights.meter_rights import Meter, Right

LISTED_AT = "2026-01-01T08:00:00.000000Z"


def meter_document(pce: str, account: str, right: str, first: date | None = None, **more: Any) -> dict[str, Any]:
    """The account has one right, which is in force; ``more`` is of the right, see :class:`Right`."""
    facts = {"client": "grdf_adict", "way": "client_connect", "state": "active", "was_active": True, **more}
    known = Right(id=right, account=account, first=first, **{"since": LISTED_AT, "listed_at": LISTED_AT, **facts})
    document: dict[str, Any] = msgspec.to_builtins(Meter(pce=pce, rights=(known,)))
    return document
