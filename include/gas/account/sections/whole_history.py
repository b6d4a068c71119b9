"""The meters whose whole history was read, and the rights under which it was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.consents.consent import Consent
from include.gas.days.clocks import is_ahead
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.gas_days import Document


class HistoryRead(MeterSection, frozen=True):
    """Says that a meter's whole history was read.

    :param id_accreditation: GRDF's id of the right under which it was read; null if unknown
    :param since: the oldest gas day that was asked for
    :param read_at: when GRDF was asked, UTC
    :param under: GRDF's ids of all rights under which it was read, if that was not the only one
    """

    key: ClassVar[str] = "history"
    written_by: ClassVar[str] = "the load that stores the last answer of a whole history"

    id_accreditation: str | None
    since: date = msgspec.field(name="from")
    read_at: str
    under: list[str] = msgspec.field(default_factory=list)


def with_history(document: Mapping[str, Any], consent: Consent, first: date, read_at: datetime | str) -> Document:
    """Return the account document with a note that a meter's whole history was read.

    :param consent: the consent under which it was read
    :param first: the oldest gas day that was asked for
    :param read_at: when GRDF was asked, aware
    """
    right = consent.id_accreditation
    under = list(consent.ids) if set(consent.ids) - {right} else []
    return HistoryRead(right, first, utc_text(read_at), under).noted(document, consent.pce)


def history_since(document: Mapping[str, Any], pce: str) -> date | None:
    """Return the oldest gas day that was asked for with a meter's whole history; ``None`` if it was not read."""
    noted = HistoryRead.of(document, pce)
    return noted.since if noted else None


def history_read(document: Mapping[str, Any], consent: Consent, now: datetime | None = None) -> bool:
    """Return whether a meter's whole history was read under all usable rights of its consent.

    It was not if a right now covers older days that GRDF served at that time, because GRDF's list said less then or a
    clock was ahead. If a right covers fewer days than before, nothing must be read again.

    :param consent: the present consent
    :param now: an aware datetime; ``None`` for the current time
    """
    noted = HistoryRead.of(document, consent.pce)
    if noted is None:
        return False
    now = now or datetime.now(UTC)
    try:
        read_at = datetime.fromisoformat(utc_text(noted.read_at))
        unasked = Window.of(oldest_allowed(paris_today(read_at)), noted.since)
    except (ValueError, OverflowError):
        return False
    if is_ahead(read_at, now) or (unasked and consent.covered(unasked, paris_today(now))):
        return False
    return {noted.id_accreditation, *noted.under}.issuperset(consent.ids or (consent.id_accreditation,))
