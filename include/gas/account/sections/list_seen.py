"""What GRDF's lists of rights showed of an account and when: what is read long after may be a stranger's.

A call for data goes by the meter and succeeds under anybody's right. The check of every morning writes one moment for
all accounts (``grdf.stores.account_store``); an account has one of its own only where its list did not show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from include.gas.account.sections.section import Text
from include.gas.answers.words import day_in
from include.gas.days.clocks import is_ahead
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

FRESH = timedelta(hours=36)
"""How long a list counts: a morning's check may fail once, and the runs of that day ask for nothing more."""


class ListSeen(Text, frozen=True):
    """When a list last showed the account's rights, UTC; "" when that is not known.

    Without the key it is the last list by which all accounts were checked.
    """

    key: ClassVar[str] = "consents_seen"
    written_by: ClassVar[str] = "the check of consents, for an account that its list did not show; runs that ask"


class ListMissed(Text, frozen=True):
    """The day on which a list that was not believed held no usable consent of the account."""

    key: ClassVar[str] = "consents_missed"
    written_by: ClassVar[str] = "the check of consents; taken out by the next list that is believed"


class ConsentEnds(Text, frozen=True):
    """The last day of use of a consent that ends soon."""

    key: ClassVar[str] = "consent_ends"
    written_by: ClassVar[str] = "whoever looks into GRDF's list"


def seen_at(document: Mapping[str, Any], listed_at: str) -> str:
    """Return when a list last showed how an account's rights stand, UTC text; "" when that is not known.

    :param document: the account document
    :param listed_at: when the last list of all accounts was asked for, UTC text, or ""
    """
    return ListSeen.of(document) if ListSeen.key in document else listed_at


def is_fresh(moment: str, now: datetime) -> bool:
    """Return whether a list of that moment still counts; one of the future was written by a clock that was ahead.

    :param moment: UTC text, or ""
    :param now: the present, aware
    """
    try:
        return utc_text(moment) >= utc_text(now - FRESH) and not is_ahead(moment, now)
    except ValueError:
        return False


def with_seen(document: Mapping[str, Any], moment: str | None) -> Document:
    """Note when a list last showed how an account's rights stand.

    :param document: the account document
    :param moment: UTC text, or "" when it is not known; None when it is that of the last list of all accounts
    :return: a new document
    """
    return ListSeen.noted(document, moment)


def missed_before(document: Mapping[str, Any], today: date) -> bool:
    """Return whether a list of an earlier day, which was not believed, said the same.

    :param document: the account document
    :param today: civil date in Paris; the same day, or a later one of a clock that was ahead, says nothing
    """
    missed = day_in(ListMissed.of(document))
    return missed is not None and missed < today


def with_missed(document: Mapping[str, Any], today: date | None) -> Document:
    """Note that a list was not believed, or that its word does not count any more.

    :param document: the account document
    :param today: civil date in Paris; None takes the note out
    :return: a new document; the first day of several stays
    """
    if today is None:
        return ListMissed.noted(document, None)
    known = day_in(ListMissed.of(document))
    return ListMissed.noted(document, (today if known is None else min(known, today)).isoformat())
