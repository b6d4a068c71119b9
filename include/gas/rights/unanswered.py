"""Declarations that wait for too long: for GRDF's answer, or for a person to correct them. Their person is removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from include.gas.account.account import Account
from include.gas.account.sections.rights.declaration import (
    REFUSED_KEPT,
    is_refused,
    names_person,
    refusal_of,
    with_entered,
    without_old_person,
)
from include.gas.account.sections.rights.sent_declarations import SentDeclarations, without_forgotten
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED, BadAccount
from include.gas.rights.declared_right import was_made_by


def settled(document: Document, now: datetime, rights: Sequence[AccessRight] | None = None) -> Document:
    """Return the account document with a note how long its declaration has waited, or without the person after long.

    What it has sent is forgotten after long, unless GRDF's list shows the right: only a deletion ends that one, and it
    finds it by what was sent.

    :param rights: all our rights to the meters of what it has sent; ``None`` if the list could not be read whole
    """
    changed = _aged_with_sent(document, now, rights)
    if names_person(changed) or not names_person(document) or is_refused(document):  # its state says what to correct
        return changed
    try:
        partial = Account.from_document(changed).reads_on
    except BadAccount:
        partial = False
    return with_state(changed, USER_ACTION_NEEDED, unanswered_message(str(document["_id"])), since=now, partial=partial)


def _aged_with_sent(document: Document, now: datetime, rights: Sequence[AccessRight] | None) -> Document:
    changed, today = aged(document, now), paris_today(now)
    if rights is None:
        return changed
    shown = [
        sent
        for sent in SentDeclarations.of(changed)
        if any(right.stands and was_made_by(right, sent, today) for right in rights)
    ]
    return without_forgotten(changed, shown, today)


def aged(document: Document, now: datetime) -> Document:
    """Return the account document as :func:`settled` does, with the state that it has."""
    changed = without_old_person(document, now)
    return with_entered(document, now) if changed is document else changed


def shows_given_up(document: Document, rights: Iterable[AccessRight], now: datetime) -> bool:
    """Return whether GRDF's list shows a right of what an account has sent and does not ask for by itself any more.

    A declaration that a person has to correct is not meant: whose right it is, the person decides.

    :param document: the account document, before it is settled
    :param rights: all our rights to the meters of what it has sent
    """
    sent, today = SentDeclarations.of(document), paris_today(now)
    if refusal_of(document) or not any(was_made_by(right, each, today) for right in rights for each in sent):
        return False
    if names_person(document):
        return without_old_person(document, now) is not document
    return is_refused(document) or not Account.from_document(document).meters


def unanswered_message(account: str) -> str:
    """Return the message for people about a declaration whose right is not known after long.

    Whether GRDF was asked is not known here: its DAG may have been paused.
    """
    return (
        f"Account {account}: its declaration has waited for {REFUSED_KEPT.days} days and no right of it is known, so "
        "the household's name and address were removed. If it is still to be connected, see that the account's DAG is "
        "not paused, compare the meter's number, enter them again and start the DAG."
    )
