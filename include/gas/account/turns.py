"""Which accounts have their turn this month: each has a day of its own, so that the calls are spread over the month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today

DAYS = 28
"""Days of the month on which accounts have their turn: every month has them."""


def day_of_month(account: str) -> int:
    """Choose an account's day, always the same one.

    :param account: account id
    :return: 1 to 28
    """
    return 1 + int.from_bytes(blake2b(account.encode(), digest_size=4, person=b"monthly").digest(), "big") % DAYS


def last_turn(account: str, today: date) -> date:
    """Return the day on which an account had its latest turn.

    :param account: account id
    :param today: civil date in Paris; may be that day itself
    """
    day = day_of_month(account)
    if today.day >= day:
        return today.replace(day=day)
    return date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, day)


def is_new(entry: object) -> bool:
    """Return whether nothing was ever noted.

    :param entry: what an account document says of a meter, if anything
    """
    return not (isinstance(entry, Mapping) and entry.get("read_at"))


def is_due(entry: Mapping[str, Any] | None, consent: Consent, *, account: str, today: date) -> bool:
    """Return whether something is to be asked of GRDF again: at once for a new consent, else when the turn has come.

    A turn that was missed is made up for, since it counts when the last reading was.

    :param entry: what an account document says of a meter, with ``read_at`` and ``id_accreditation``; or None
    :param consent: the meter, under its present consent
    :param account: account id
    :param today: civil date in Paris
    """
    if entry is None or is_new(entry) or entry.get("id_accreditation") != consent.id_accreditation:
        return True
    try:
        read = paris_today(datetime.fromisoformat(str(entry["read_at"])))
    except ValueError:
        return True
    return read > today or read < last_turn(account, today)  # after today: by a clock that was ahead
