"""The monthly turn of each account. Accounts have different days, so that the calls are spread over the month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today

DAYS = 28
"""Number of days in a month on which accounts have their turn. Every month has these days."""


def day_of_month(account: str) -> int:
    """Return the day of the month on which an account has its turn. It never changes.

    :return: 1 to 28
    """
    return 1 + int.from_bytes(blake2b(account.encode(), digest_size=4, person=b"monthly").digest(), "big") % DAYS


def last_turn(account: str, today: date) -> date:
    """Return the day of an account's latest turn, which may be today."""
    day = day_of_month(account)
    if today.day >= day:
        return today.replace(day=day)
    return date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, day)


def is_new(entry: object) -> bool:
    """Return whether a meter was never read in a monthly turn.

    :param entry: the meter's entry in a section of the account document; anything else counts as new
    """
    return not (isinstance(entry, Mapping) and entry.get("read_at"))


def is_due(entry: Mapping[str, Any] | None, consent: Consent, *, account: str, today: date) -> bool:
    """Return whether GRDF must be asked again: at once for a new consent, otherwise once per turn.

    A missed turn is made up for, because the day of the last reading counts.

    :param entry: the meter's entry in a section, with ``read_at`` and ``id_accreditation``; ``None`` if there is none
    """
    if entry is None or is_new(entry) or entry.get("id_accreditation") != consent.id_accreditation:
        return True
    try:
        read = paris_today(datetime.fromisoformat(str(entry["read_at"])))
    except ValueError:
        return True
    return read < last_turn(account, today)
