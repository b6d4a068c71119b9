"""When GRDF's list of rights last showed an account's rights. Data read long after that may be a stranger's.

GRDF answers a request for a meter under anybody's right. The check of consents every morning writes one moment for all
accounts (``grdf.stores.accounts.account_store``). An account has its own moment only if that list did not show its
rights.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from include.gas.account.sections.section import Text
from include.gas.answers.words import day_in
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

FRESH = timedelta(hours=36)
"""How long a list counts. One morning's check may fail without making that day's runs ask for the list themselves."""


class ListSeen(Text, frozen=True):
    """When a list last showed the account's rights, UTC; empty if unknown.

    If the key is absent, that was the last list that all accounts were checked against.
    """

    key: ClassVar[str] = "consents_seen"


class ListMissed(Text, frozen=True):
    """The day of a list that had no usable consent for the account and that we did not trust."""

    key: ClassVar[str] = "consents_missed"


class ConsentEnds(Text, frozen=True):
    """The last day on which a consent that ends soon is of use."""

    key: ClassVar[str] = "consent_ends"


def seen_at(document: Mapping[str, Any], listed_at: str) -> str:
    """Return when a list last showed the state of an account's rights, UTC text; ``""`` if unknown.

    :param listed_at: when the last list of all accounts was requested, UTC text or ``""``
    """
    return ListSeen.of(document) if ListSeen.key in document else listed_at


def is_fresh(moment: str, now: datetime) -> bool:
    """Return whether a list of that moment still counts.

    :param moment: UTC text, or ``""``
    """
    try:
        return utc_text(moment) >= utc_text(now - FRESH)
    except ValueError:
        return False


def with_seen(document: Mapping[str, Any], moment: str | None) -> Document:
    """Return the account document with the moment at which a list last showed the state of its rights.

    :param moment: UTC text; ``""`` if unknown; ``None`` if it was the last list of all accounts
    """
    return ListSeen.noted(document, moment)


def missed_before(document: Mapping[str, Any], today: date) -> bool:
    """Return whether a list that we did not trust had no usable consent on an earlier day either.

    :param today: civil date in Paris. A note of today does not count
    """
    missed = day_in(ListMissed.of(document))
    return missed is not None and missed < today


def with_missed(document: Mapping[str, Any], today: date | None) -> Document:
    """Return the account document with a note that we did not trust a list. The first of several days is kept.

    :param today: civil date in Paris; ``None`` to remove the note
    """
    if today is None:
        return ListMissed.noted(document, None)
    known = day_in(ListMissed.of(document))
    return ListMissed.noted(document, (today if known is None else min(known, today)).isoformat())
