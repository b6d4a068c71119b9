"""Declarations that wait for too long: for GRDF's answer, or for a person to correct them. Their person is removed."""

from __future__ import annotations

from datetime import datetime

from include.gas.account.account import Account
from include.gas.account.sections.rights.declaration import (
    REFUSED_KEPT,
    is_refused,
    with_entered,
    without_old_person,
)
from include.gas.account.state import with_state
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED, BadAccount


def settled(document: Document, now: datetime) -> Document:
    """Return the account document with a note how long its declaration has waited, or without the person after long.

    :param now: an aware datetime
    :return: the same document if there is nothing to change
    """
    changed = without_old_person(document, now)
    if changed is document:
        return with_entered(document, now)
    if is_refused(document):  # its state says what to correct
        return changed
    try:
        partial = Account.from_document(changed).reads_on
    except BadAccount:
        partial = False
    return with_state(changed, USER_ACTION_NEEDED, unanswered_message(str(document["_id"])), since=now, partial=partial)


def unanswered_message(account: str) -> str:
    """Return the message for people about a declaration that GRDF has never answered."""
    return (
        f"Account {account}: GRDF has not answered its declaration for {REFUSED_KEPT.days} days, so the household's "
        "name and address were removed. If it is still to be connected, compare the meter's number, then enter them "
        "again."
    )
