"""Rights that GRDF took for a household while its account was being deleted, so that no right stays without an account.

The answer to a declaration may be under way, or lost, when the account goes. The deletion's record then keeps hashes of
what was sent, and the account comes back as one that is leaving once the right is seen, so that a deletion can end it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.client import DEFAULT, bound, client_if_known
from include.gas.account.sections.marks import Leaving, with_leaving
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.account.sections.section import members, put, written
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import OAUTH_OUTDATED
from include.gas.leaving.deletion_record import ASKED, is_open, is_under_way
from include.gas.rights.declared_right import was_made_by

UNANSWERED = "unanswered"
"""The key in a deletion's record for declarations whose right was not known when the account was removed."""
KEPT = timedelta(days=60)
"""How long a right is looked for that GRDF may have taken."""
_DAYS_AFTER = timedelta(days=1)
"""How much later than its declaration a right may have been made. A later one was declared by somebody else since."""
LATE = "a declaration that was under way"
"""Who is noted as the one who marked an account that came back.

Accounts have this text stored (``leaving.by``) and it is compared with, so it must never be reworded.
"""


def with_unanswered(entry: Mapping[str, Any], document: Mapping[str, Any]) -> Document:
    """Return the record of a deletion with hashes of the declarations whose right is not known.

    :param document: the account's document, which is about to be removed
    """
    sent = [{"at": each.at, "email": each.email, "name": each.name} for each in SentDeclarations.of(document)]
    known = _unanswered(entry)
    return {**entry, UNANSWERED: [*known, *(each for each in sent if each not in known)]} if sent else dict(entry)


def without_old(entry: Mapping[str, Any], now: datetime) -> Document:
    """Return the record without the declarations whose right was looked for long enough."""
    oldest = utc_text(now - KEPT)
    return _with_left(entry, [each for each in _unanswered(entry) if str(each.get("at")) > oldest])


def without_ended(
    entry: Mapping[str, Any], records: Iterable[Mapping[str, Any]], rights: Iterable[AccessRight]
) -> Document:
    """Return the record without the declarations whose right a later deletion has ended.

    That an account has the right is not enough, even if it is leaving: a backup may take the account away again. Nor is
    a right that is over by itself: on one day the same holder may have refused another one, made under a wrong account.

    :param records: the records of all deletions of the account
    :param rights: all our rights
    """
    others, listed = [each for each in records if each.get("_id") != entry.get("_id")], list(rights)

    def has_ended(sent: Mapping[str, Any]) -> bool:
        mine = (right for right in listed if _is_of(right, sent))
        return any(_has_revoked(others, right, str(sent.get("at"))) for right in mine)

    return _with_left(entry, [each for each in _unanswered(entry) if not has_ended(each)])


def _has_revoked(records: Iterable[Mapping[str, Any]], right: AccessRight, since: str) -> bool:
    """Return whether a deletion that was asked for after a moment has ended a right.

    What an earlier one has ended was made for an earlier declaration, also if it is of the same day and holder.
    """
    later = (members(each.get("revoked")) for each in records if str(each.get("asked_at")) > since)
    return any(revoked.get(right.id, ASKED) != ASKED for revoked in later)


def _with_left(entry: Mapping[str, Any], left: list[Mapping[str, Any]]) -> Document:
    rest = {key: value for key, value in entry.items() if key != UNANSWERED}
    return {**rest, UNANSWERED: left} if left else rest


def is_noted(records: Iterable[Mapping[str, Any]], sent: SentDeclarations) -> bool:
    """Return whether one of the deletions' records keeps a declaration, so that its right is looked for."""
    return any(each.get("at") == sent.at and each.get("email") == sent.email for record in records
               for each in _unanswered(record))  # fmt: skip


def late_rights(record: Mapping[str, Any], rights: Iterable[AccessRight]) -> list[AccessRight]:
    """Return the rights that were declared for an account before it was deleted, and that still stand.

    :param rights: all our rights
    """
    sent = _unanswered(record)
    revoked = members(record.get("revoked"))
    return [
        right
        for right in (rights if sent else ())
        if right.stands and right.id not in revoked and any(_is_of(right, each) for each in sent)
    ]


def declared_on(record: Mapping[str, Any], right: AccessRight) -> date | None:
    """Return on which day in Paris a right was declared for an account before it was deleted.

    :return: ``None`` if it was not
    """
    days = [_day_of(each) for each in _unanswered(record) if _is_of(right, each)]
    return next(iter(days), None)


def is_revoked(records: Iterable[Mapping[str, Any]], right: AccessRight) -> bool:
    """Return whether one of the deletions of an account names a right. GRDF's list may not show yet that it is over."""
    return any(right.id in members(record.get("revoked")) for record in records)


def left_rights(records: Iterable[Mapping[str, Any]], rights: Iterable[AccessRight], client: str = DEFAULT) -> set[str]:
    """Return GRDF's ids of rights of households that have left or are leaving. GRDF's list may not show it yet.

    :param records: the records of all deletions
    :param rights: the rights in question
    :param client: the connection of the client that has them
    """
    found, listed = set[str](), list(rights)
    for record in records:
        found |= members(record.get("revoked")).keys()
        if client_if_known(record) == client:
            found |= {right.id for right in late_rights(record, listed)}
    return found


def not_revoked(record: Mapping[str, Any], own: Iterable[str]) -> list[str]:
    """Return the rights of an account that its deletion has not seen, because they were taken after it looked.

    :param own: GRDF's ids of the rights that the account has now
    """
    seen = members(record.get("revoked")).keys() | members(record.get("left_alone")).keys()
    return sorted({*own} - seen)


def come_back(
    account: str,
    consents: Iterable[Consent],
    *,
    at: datetime,
    sent: SentDeclarations | None = None,
    connection: str = DEFAULT,
) -> Document:
    """Return the document of an account that was deleted while GRDF took its right. It is never read.

    :param consents: the right; none if GRDF has not said yet whether it has one
    :param sent: what was sent, by which a deletion finds the right
    :param connection: the client that has the right
    """
    rights = list(consents)
    document: Document = bound({"_id": account, "account_type": ACCOUNT_TYPE}, connection)
    if rights:
        document = with_meters(document, rights, at)
    if sent is not None:
        document = put(document, SentDeclarations.key, [written(sent)])
    document = with_leaving(document, run="", by=LATE, since=at)
    return with_state(document, OAUTH_OUTDATED, come_back_message(account), since=at)


def come_back_message(account: str) -> str:
    """Return what a person has to do about an account that came back."""
    return (
        f"Account {account}: it was deleted while GRDF was asked for its right, and GRDF has that right or may have "
        "it. The account exists again for that alone, and is not read. Start grdf_delete_account for it again: it ends "
        "the right at GRDF."
    )


def stranded_message(account: str, rights: Iterable[AccessRight]) -> str:
    """Return what a person has to do about rights of a deleted account whose id is in use again.

    :param rights: the rights, which no account has
    """
    named = ", ".join(f"{right.id} (made on {right.created})" for right in rights)
    return (
        f"Account {account}: it was deleted while GRDF was asked for its right, and GRDF has that right. An account of "
        "this id exists again, maybe for another household, so it was not given the right, and no deletion ends it. "
        f"Ask GRDF to revoke right {named}. This is told until GRDF's list shows that the right is over, for "
        f"{KEPT.days} days at most."
    )


def unlisted_message(account: str, connection: str) -> str:
    """Return what a person has to do about a deleted account whose client was removed from the settings too early.

    :param account: the account's id; GRDF may have taken a right of it late
    :param connection: the id of the client's Airflow connection
    """
    return (
        f"Account {account}: it was deleted while GRDF was asked for its right, and nobody looks whether GRDF has that "
        f"right: it would belong to the client of the Airflow connection {connection}, which the setting [grdf] "
        f"connections does not list. List it there until {KEPT.days} days after its last account was deleted, or the "
        "right may stay in force without an account."
    )


def unfinished_message(account: str, mark: Leaving, now: datetime) -> str:
    """Return what a person has to do about an account whose deletion does not end; ``""`` if it is under way.

    :param mark: the mark on the account
    """
    if mark.by == LATE:
        return come_back_message(account)
    if mark.since > utc_text(now - timedelta(days=1)):
        return ""
    return (
        f"Account {account}: it is marked as leaving since {mark.since[:10]}, and its deletion has not ended. Look at "
        "the runs of grdf_delete_account. If none of them is still running, start it for this account again."
    )


def open_message(account: str, record: Mapping[str, Any], now: datetime) -> str:
    """Return what a person has to do about a deletion that has removed its account and does not end; ``""`` if nothing.

    :param record: one of the account's records
    """
    if not is_open(record) or is_under_way(record, now, timedelta(days=1)):
        return ""
    return (
        f"Account {account}: its deletion of {str(record.get('asked_at'))[:10]} has not ended, and the account no "
        "longer exists, so it is not known whether all its data are gone. Look at the runs of grdf_delete_account. If "
        "none of them is still running, start it for this account again: it finishes that deletion."
    )


def _unanswered(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = record.get(UNANSWERED)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _is_of(right: AccessRight, sent: Mapping[str, Any]) -> bool:
    at, email, name = (str(sent.get(key) or "") for key in ("at", "email", "name"))
    if not was_made_by(right, SentDeclarations(right.pce, at, email, name)):
        return False
    day = _day_of(sent)
    return right.created is not None and day is not None and right.created <= day + _DAYS_AFTER


def _day_of(sent: Mapping[str, Any]) -> date | None:
    try:
        return datetime.fromisoformat(str(sent.get("at"))).astimezone(PARIS).date()
    except (ValueError, OverflowError):
        return None
