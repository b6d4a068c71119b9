"""A household connects on the page: what GRDF is told of it, and what its account becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.marks import Connected
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document, check_account_id
from include.gas.errors import AccountLeaving

HINT_SEPARATOR = ";"
LONGEST_HINT_PART = 100
"""Characters of a name or an address."""


def login_hint(first_name: str, last_name: str, email: str, third_party: str) -> str:
    """Say to GRDF who is about to consent: four parts, joined by a semicolon (ADICT 2.2).

    :param first_name: the holder's
    :param last_name: the holder's
    :param email: the holder's
    :param third_party: our own name, as GRDF knows it; may be empty
    :return: empty when nothing is known of the holder: GRDF then asks by itself
    :raises ValueError: if only a part is given, or a part cannot be one
    """
    parts = [part.strip() for part in (first_name, last_name, email)]
    if not any(parts):
        return ""
    if not all(parts) or "@" not in parts[2]:
        raise ValueError("enter first name, last name and e-mail address, or none of them")
    for part in (*parts, third_party):
        if len(part) > LONGEST_HINT_PART or any(char in ";|" or not char.isprintable() for char in part):
            raise ValueError("a part of the login hint is too long, or holds ';' or '|'")
    return HINT_SEPARATOR.join((*parts, third_party.strip()))


def check_connectable(document: Mapping[str, Any] | None) -> Account | None:
    """Return the account that a document holds, if it may be connected anew; None when there is none yet.

    :param document: the account document, or None
    :raises BadAccount: if the document is of another kind of account, or cannot be understood
    :raises AccountLeaving: if the household's deletion is under way
    """
    if document is None:
        return None
    account = Account.from_document(document)
    if account.leaving:
        raise AccountLeaving.about(account.id, "its deletion is in progress, so it cannot be connected")
    return account


def deletions(records: Iterable[Mapping[str, Any]]) -> str:
    """Name which deletions of an account were begun and which have ended: other words when that has changed.

    :param records: of the account's deletions
    :return: a short hash, empty when there was none
    """
    known = sorted(f"{record['_id']} {record.get('finished_at')}" for record in records)
    return sha256("\n".join(known).encode()).hexdigest()[:16] if known else ""


def connected(
    document: Mapping[str, Any] | None, account: str, consents: Iterable[Consent], *, at: datetime, by: str
) -> Document:
    """Put what a household has just consented to into its account, which it makes when there is none.

    It becomes what it is after a first launch: the ``id_token`` was checked at once, so that no token needs to wait in
    the database for one. A meter of the account that this consent does not name stays: it may have one of its own.

    :param document: the account document, or None
    :param account: the account's id
    :param consents: those of the checked ``id_token``; at least one
    :param at: the present, aware
    :param by: who connected it, for the record
    :return: a new document
    :raises BadAccount: as ``check_connectable`` does
    :raises AccountLeaving: as ``check_connectable`` does
    """
    check_connectable(document)
    base: Mapping[str, Any] = document or {
        "_id": check_account_id(account),
        "account_type": ACCOUNT_TYPE,
        "name": "",
        "oauth": {},
        "oauth_callback_results": {"scope": "openid"},
    }
    changed = with_meters(base, consents, at)
    return Connected(utc_text(at), by).noted(changed)
