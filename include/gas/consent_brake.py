"""A brake on the morning's check: a list of rights that was cut short must not tell hundreds of households to act.

Households revoke one by one. When many consents go missing between two lists, something is more likely wrong with the
list: then nobody is marked, a person is told, and the list of a later day decides for each account by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from include.gas.documents import Document
from include.gas.words import day_in

MISSED = "consents_missed"
"""Key of an account document: the day on which a list that was not believed held no usable consent of it."""

FEW = 2
"""So many accounts may lose their consents in one morning however few there are in all."""


def too_many(lost: int, checked: int, percent: int) -> bool:
    """Tell whether more accounts lose their consents at once than is to be believed of one list.

    :param lost: accounts that lose one by this list and had it by the last one that was believed.
    :param checked: accounts that were checked.
    :param percent: share of the accounts that may lose theirs in one morning; 100 believes every list.
    """
    return lost > max(FEW, checked * percent / 100)


def missed_before(document: Mapping[str, Any], today: date) -> bool:
    """Tell whether a list of an earlier day, which was not believed, said the same.

    :param document: the account document.
    :param today: civil date in Paris; the same day, or a later one of a clock that was ahead, says nothing.
    """
    missed = day_in(document.get(MISSED))
    return missed is not None and missed < today


def with_missed(document: Mapping[str, Any], today: date | None) -> Document:
    """Note that a list was not believed, or that its word does not count any more.

    :param document: the account document.
    :param today: civil date in Paris; None takes the note out.
    :return: a new document; the first day of several stays.
    """
    changed = dict(document)
    if today is None:
        changed.pop(MISSED, None)
        return changed
    known = day_in(changed.get(MISSED))
    changed[MISSED] = (today if known is None else min(known, today)).isoformat()
    return changed
