"""What the monthly reading has to read: of which account, of which meters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.published_note import BookHeld, PublishedNote
from include.gas.account.sections.rights.lost_consents import meters_lost
from include.gas.account.turns import is_due, is_new
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today, utc_text


def is_anything_due(document: dict[str, Any], account: Account, today: date) -> bool:
    """Return whether an account has something to be read or held against the store.

    :param account: the same, parsed
    """
    return bool(unread_books(document, account, today, None)) or (
        not why_it_waits(account)
        and any(
            is_due(entry, meter, account=account.id, today=today)
            for meter in readable(document, account)
            for entry in entries_of(document, meter)
        )
    )


def is_wanted(entry: Mapping[str, Any], meter: Consent, account: Account, today: date, since: datetime | None) -> bool:
    """Return whether to read what an entry is about.

    :param entry: what the account's document holds of it
    :param since: if given, read what was not read since then, whether it is due or not: a person has asked for it
    """
    if since is None:
        return is_due(entry, meter, account=account.id, today=today)
    read_at = str(entry.get("read_at"))
    return is_new(entry) or utc_text(read_at) < utc_text(since)


def why_it_waits(account: Account) -> str:
    """Return why an account is not read now, or "" if it is."""
    if account.leaving:
        return "its household is leaving"
    if account.needs_first_launch:
        return "its own DAG must learn its meters first"
    if account.waits_for_person:
        return f"its household must act first ({account.state})"
    return ""


def unread_books(document: dict[str, Any], account: Account, today: date, since: datetime | None) -> list[str]:
    """Return the meters that are not read now and whose books are due for a check against the store."""
    read = () if why_it_waits(account) else (meter.pce for meter in readable(document, account))
    unread = [] if account.leaving else sorted({meter.pce for meter in account.meters} - set(read))
    entry = {"read_at": BookHeld.of(document), "id_accreditation": None}
    return [pce for pce in unread if is_wanted(entry, Consent(pce), account, today, since)]


def readable(document: dict[str, Any], account: Account) -> Iterator[Consent]:
    """Return the account's meters without those whose consent is known to be lost."""
    lost, today = meters_lost(document), paris_today(datetime.now(UTC))
    return (meter for meter in account.meters if meter.pce not in lost and meter.usable(today))


def entries_of(document: dict[str, Any], meter: Consent) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what an account document contains about a meter: its facts, its published periods."""
    return MeterFacts.raw(document, meter.pce), PublishedNote.raw(document, meter.pce)
