"""Connecting a household on the page: the hint for GRDF, and the account document that results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE, Account, check_not_leaving
from include.gas.account.client import DEFAULT, client_of, with_client
from include.gas.account.declaration import Declaration, declaration_section, is_correctable, needs_declaration
from include.gas.account.document_sections import with_value
from include.gas.account.grant import RESULTS, Grant, oauth_results, with_id_token
from include.gas.account.marks import ConnectedMark, has_withdrawn, without_leaving
from include.gas.answers.access_rights import Role
from include.gas.answers.french_words import fold, fold_address
from include.gas.documents.day_documents import Document, check_account_id
from include.gas.errors import BadAccount

LONGEST_HINT_PART = 100
"""In characters, of a name or an e-mail address."""


def login_hint(first_name: str, last_name: str, email: str, third_party: str) -> str | None:
    """Return the hint that tells GRDF who is about to consent (ADICT 2.2).

    :return: ``""`` if nothing is given; ``None`` if it is incomplete or a part is not valid
    """
    parts = [part.strip() for part in (first_name, last_name, email, third_party)]
    if not any(parts[:3]):
        return ""
    odd = (len(part) > LONGEST_HINT_PART or not part.isprintable() or {*";|"} & {*part} for part in parts)
    return ";".join(parts) if all(parts[:3]) and "@" in parts[2] and not any(odd) else None


def check_connectable(document: Mapping[str, Any] | None) -> None:
    """Check that an account is new or may be connected again.

    :raises BadAccount: if it is another type of account, or cannot be understood, or its meter needs another right
    :raises AccountLeaving: if the household's deletion is in progress; one that has only withdrawn may come back
    """
    if document is not None:
        account = Account.from_document(document)
        if any(access.role is not Role.SUPPLY for access in account.meters):
            raise BadAccount.about(
                account.id,
                "its meter is of our own contract, or puts gas into the network, and no form asks for such a right",
                "Once GRDF lists the right, start grdf_adopt_rights. Connect a household under another id.",
            )
        if not has_withdrawn(document):
            check_not_leaving(document)


def document_after_consent(
    document: Mapping[str, Any] | None, account: str, token: Grant, mark: ConnectedMark, *, connection: str = DEFAULT
) -> Document:
    """Return the account document after a consent, as cozy-stack leaves it; ``BadAccount`` under another client."""
    base = _document_or_new(document, account, connection)
    if client_of(base) != connection:
        raise BadAccount.about(
            account,
            "it has been connected in another way in the meantime, so nothing was connected. The consent that was just "
            "given remains at GRDF, unused",
            "Start again.",
        )
    results = {"scope": "openid", "consents": [], **oauth_results(base)}  # distinguishes ours from the konnector's
    return mark.add_to(with_id_token(with_value(base, RESULTS, results), token))


def document_to_declare(
    document: Mapping[str, Any] | None,
    account: str,
    asked: Declaration,
    mark: ConnectedMark,
    *,
    connection: str = DEFAULT,
) -> Document:
    """Return the account document of a household whose right is to be declared."""
    section = declaration_section(asked) | {"entered_at": mark.at}
    return mark.add_to(with_value(_document_or_new(document, account, connection), Declaration.key, section))


def _document_or_new(document: Mapping[str, Any] | None, account: str, connection: str) -> Document:
    check_connectable(document)
    if document is not None:
        return without_leaving(document)
    return with_client({"_id": check_account_id(account), "account_type": ACCOUNT_TYPE, "name": ""}, connection)


def has_other_declaration(document: Mapping[str, Any], asked: Declaration) -> bool:
    """Return whether a declaration for another holder, address or meter waits, other than in case or spaces."""
    found = (
        Declaration.from_document(document) if needs_declaration(document) and not is_correctable(document) else None
    )
    return found is not None and _identity_of(found) != _identity_of(asked)


def _identity_of(declared: Declaration) -> tuple[str, ...]:
    return declared.pce, fold(declared.name), fold(declared.company), fold_address(declared.email)
