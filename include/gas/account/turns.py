"""The monthly turn of each account. Accounts have different days, so that the calls are spread over the month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.published_note import PublishedNote
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.rights.meter_rights import Held

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


def is_due(entry: Mapping[str, Any], right: str, *, account: str, today: date) -> bool:
    """Return whether GRDF must be asked again: at once under a new right, otherwise once per turn.

    A missed turn is made up for, because the day of the last reading counts.

    :param entry: the meter's entry in a section, with ``read_at`` and ``id_accreditation``; may be empty
    :param right: GRDF's id of the account's newest right
    """
    if is_new(entry) or (entry.get("id_accreditation") or "") != right:
        return True
    try:
        read = paris_today(datetime.fromisoformat(str(entry["read_at"])))
    except ValueError:
        return True
    return read < last_turn(account, today)


def due_of(
    document: Mapping[str, Any], account: Account, held: Held, today: date, since: datetime | None = None
) -> tuple[bool, bool]:
    """Return whether to read a meter's facts, and its periods.

    Of a meter that is not read, what is stored is looked at once after its last day has become known.

    :param account: the same account, parsed
    :param since: if given, look at what was not looked at since then: a person has asked for it
    """
    facts, periods = MeterFacts.raw(document, held.pce), PublishedNote.raw(document, held.pce)
    if why_it_waits(account) if held.is_open else not held.days:
        return False, False

    def wanted(entry: Mapping[str, Any]) -> bool:
        if since is not None:
            return is_new(entry) or utc_text(str(entry.get("read_at"))) < utc_text(since)
        return is_due(entry, held.right, account=account.id, today=today) if held.is_open else is_new(entry)

    closes = held.closes.isoformat() if held.closes else None
    return held.is_open and wanted(facts), wanted(periods) or periods.get("closes") != closes


def is_first(document: Mapping[str, Any], account: Account) -> bool:
    """Return whether no meter of an account was ever read in a monthly turn."""
    return all(is_new(PublishedNote.raw(document, held.pce)) for held in account.meters)


def why_it_waits(account: Account) -> str:
    """Return why GRDF is not asked for an account now, or "" if it is."""
    if account.leaving:
        return "its household is leaving"
    if account.needs_first_launch:
        return "its own DAG must learn its meters first"
    if account.waits_for_person:
        return f"its household must act first ({account.state})"
    return ""
