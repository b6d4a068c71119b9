"""The meters whose whole history was read, and the rights under which it was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.gas_days import Document
from include.gas.rights.meter_rights import Held


class HistoryRead(MeterSection, frozen=True):
    """Says that a meter's whole history was read.

    :param id_accreditation: GRDF's id of the right under which it was read; null if unknown
    :param since: the oldest gas day that was asked for
    :param read_at: when GRDF was asked, UTC
    :param under: GRDF's ids of all rights under which it was read, if that was not the only one
    :param between: the days from then on that lay between those rights and were not asked for, as runs ``first/last``,
        both included
    """

    key: ClassVar[str] = "history"

    id_accreditation: str | None
    since: date = msgspec.field(name="from")
    read_at: str
    under: list[str] = msgspec.field(default_factory=list)
    between: list[str] = msgspec.field(default_factory=list)

    def unasked(self) -> list[Window]:
        """Return the days that GRDF served when it was read and that were not asked for, since no right covered them.

        :raises ValueError, OverflowError: if the entry is damaged
        """
        before = Window.of(oldest_allowed(paris_today(datetime.fromisoformat(utc_text(self.read_at)))), self.since)
        return [*([before] if before else ()), *map(Window.of_text, self.between)]


def with_history(document: Mapping[str, Any], held: Held, first: date, read_at: datetime | str) -> Document:
    """Return the account document with a note that a meter's whole history was read.

    :param held: what the account has of the meter
    :param first: the oldest gas day that was asked for
    :param read_at: when GRDF was asked, aware
    """
    right, moment = held.right or None, utc_text(read_at)
    under = list(held.own) if set(held.own) - {right} else []
    today = paris_today(datetime.fromisoformat(moment))
    asked = Window.of(first, today)
    stretches = held.covered(asked) if asked else ()
    between = [Window(one.end, other.first).as_text for one, other in pairwise(stretches)]
    return HistoryRead(right, first, moment, under, between).noted(document, held.pce)


def history_since(document: Mapping[str, Any], pce: str) -> date | None:
    """Return the oldest gas day that was asked for with a meter's whole history; ``None`` if it was not read."""
    noted = HistoryRead.of(document, pce)
    return noted.since if noted else None


def history_read(document: Mapping[str, Any], held: Held) -> bool:
    """Return whether a meter's whole history was read under all rights of the account.

    It was not if a right now covers days that GRDF served at that time and that no right covered then, because GRDF's
    list said less: older days, or days between two rights. Newer ones are asked for by each daily
    run. If a right covers fewer days than before, nothing must be read again.

    :param held: what the account has of the meter now
    """
    noted = HistoryRead.of(document, held.pce)
    if noted is None:
        return False
    try:
        unasked = noted.unasked()
    except (ValueError, OverflowError):
        return False
    if any(held.covered(days) for days in unasked):
        return False
    return {noted.id_accreditation, *noted.under}.issuperset(held.own)
