"""Which right an account of the konnector brought: it names a meter, but maybe no right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from include.gas.account.document_sections import object_or_empty
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.french_words import day_in
from include.gas.days.gas_day import paris_today
from include.gas.rights.meter_rights import Meter


def find_konnector_right(document: Mapping[str, Any], meter: Meter, rights: Iterable[AccessRight]) -> str:
    """Return the right that an account brought: the newest up to its creation, or the only one, or ``""``."""
    taken = {right.id for right in meter.rights if right.account}
    free = [right for right in rights if right.pce == meter.pce and right.id not in taken]
    made = _made_on(document)
    if made is None:
        return free[0].id if len(free) == 1 else ""
    older = [right for right in free if right.created is not None and right.created <= made]
    return max(older, key=lambda each: each.created or date.min).id if older else ""


def _made_on(document: Mapping[str, Any]) -> date | None:
    """Return the day in Paris on which cozy-stack created an account. Cozy writes UTC."""
    created = object_or_empty(document.get("cozyMetadata")).get("createdAt")
    try:
        return paris_today(datetime.fromisoformat(str(created).strip()))
    except (ValueError, OverflowError):  # no time zone, or no moment
        return day_in(created)
