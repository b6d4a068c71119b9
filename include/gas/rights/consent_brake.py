"""A brake on the morning's check: a list of rights that was cut short must not tell hundreds of households to act.

Households revoke one by one. When many consents go missing between two lists, something is more likely wrong with the
list: then nobody is marked, a person is told, and the list of a later day decides for each account by itself.
"""

from __future__ import annotations

FEW = 2
"""So many accounts may lose their consents in one morning however few there are in all."""


def too_many(lost: int, checked: int, percent: int) -> bool:
    """Return whether more accounts lose their consents at once than is to be believed of one list.

    :param lost: accounts that lose one by this list and had it by the last one that was believed
    :param checked: accounts that were checked
    :param percent: share of the accounts that may lose theirs in one morning; 100 believes every list
    """
    return lost > max(FEW, checked * percent / 100)
