"""Connecting a household on the page: the hint that we send to GRDF, and the account document that results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE, Account, check_not_leaving
from include.gas.account.client import DEFAULT, client_of, with_client
from include.gas.account.declaration import Declaration, declaration_section, is_correctable, needs_declaration
from include.gas.account.document_sections import with_value
from include.gas.account.grant import RESULTS, Grant, oauth_results, with_id_token
from include.gas.account.marks import ConnectedMark
from include.gas.answers.french_words import fold, fold_address
from include.gas.documents.day_documents import Document, check_account_id
from include.gas.errors import BadAccount

LONGEST_HINT_PART = 100
"""Maximum length of a name or an e-mail address, in characters."""


def login_hint(first_name: str, last_name: str, email: str, third_party: str) -> str | None:
    """Return the hint that tells GRDF who is about to consent: four parts joined by semicolons (ADICT 2.2).

    :param first_name: the contract holder's first name
    :param last_name: the contract holder's last name
    :param email: the contract holder's e-mail address
    :param third_party: our own name as GRDF knows it; may be empty
    :return: empty if nothing about the holder is given, so that GRDF asks the holder itself; ``None`` if only some of
        its parts are given, or a part is not valid
    """
    parts = [part.strip() for part in (first_name, last_name, email, third_party)]
    if not any(parts[:3]):
        return ""
    odd = (len(part) > LONGEST_HINT_PART or not part.isprintable() or {*";|"} & {*part} for part in parts)
    return ";".join(parts) if all(parts[:3]) and "@" in parts[2] and not any(odd) else None


def check_connectable(document: Mapping[str, Any] | None) -> None:
    """Check that an account may be connected again, or is new.

    :param document: its document; ``None`` if there is none yet
    :raises BadAccount: if it is another type of account, or cannot be understood
    :raises AccountLeaving: if the household's deletion is in progress
    """
    if document is not None:
        Account.from_document(document)
        check_not_leaving(document)


def document_after_consent(
    document: Mapping[str, Any] | None, account: str, token: Grant, mark: ConnectedMark, *, connection: str = DEFAULT
) -> Document:
    """Return the account document of a household that has just consented, as cozy-stack leaves it: with its id_token.

    :param token: the checked ``id_token``
    :param mark: who connected the account, and when
    :param connection: the client that has the consents
    :raises BadAccount: if the account has another client, or cannot be connected
    """
    base = _document_or_new(document, account, connection)
    if client_of(base) != connection:
        raise BadAccount.about(
            account,
            "it has been connected in another way in the meantime, so nothing was connected. The consent that was just "
            "given remains at GRDF, unused",
            "Start again.",
        )
    results = {"scope": "openid", "consents": [], **oauth_results(base)}  # told apart from the konnector's
    return mark.add_to(with_id_token(with_value(base, RESULTS, results), token))


def document_to_declare(
    document: Mapping[str, Any] | None,
    account: str,
    asked: Declaration,
    mark: ConnectedMark,
    *,
    connection: str = DEFAULT,
) -> Document:
    """Return the account document of a household whose right is to be declared.

    :param asked: what the household gave, checked
    :param mark: who connected the account, and when
    :param connection: the client that is to declare the right, for a new account
    """
    section = declaration_section(asked) | {"entered_at": mark.at}
    return mark.add_to(with_value(_document_or_new(document, account, connection), Declaration.key, section))


def _document_or_new(document: Mapping[str, Any] | None, account: str, connection: str) -> Document:
    """Return an account document; that of a new account if there is none."""
    check_connectable(document)
    if document is not None:
        return dict(document)
    return with_client({"_id": check_account_id(account), "account_type": ACCOUNT_TYPE, "name": ""}, connection)


def has_other_declaration(document: Mapping[str, Any], asked: Declaration) -> bool:
    """Return whether a declaration waits on an account that is for another holder, e-mail address or meter.

    One that can be corrected does not count. Case, accents and spaces make no other holder.
    """
    found = (
        Declaration.from_document(document) if needs_declaration(document) and not is_correctable(document) else None
    )
    return found is not None and _identity_of(found) != _identity_of(asked)


def _identity_of(declared: Declaration) -> tuple[str, ...]:
    return declared.pce, fold(declared.name), fold(declared.company), fold_address(declared.email)
