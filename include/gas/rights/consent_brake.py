"""A safeguard of the morning's check: an incomplete list of rights must not make hundreds of households act.

Households revoke consents one by one. If many consents are missing from one list to the next, it is more likely that
the list is wrong. Then no account is marked, a person is informed, and the list of a later day decides for each
account.
"""

from __future__ import annotations

FEW = 2
"""Number of accounts that may lose their consents in one morning, however few accounts there are."""


def too_many(lost: int, checked: int, percent: int) -> bool:
    """Return whether so many accounts lose consents at once that the list cannot be trusted.

    :param lost: number of accounts that lose a consent which the last trusted list still had
    :param checked: number of accounts that were checked
    :param percent: share of accounts that may lose consents in one morning; 100 trusts every list
    """
    return lost > max(FEW, checked * percent / 100)
