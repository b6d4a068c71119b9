"""An account has one household for good: another one gets an account of its own, also with another meter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.sections.rights.declaration import Declaration, is_same_holder
from include.gas.answers.access_rights import AccessRight
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.errors import DeclarationRefused
from include.gas.proof.record_use import in_doubt, of_its_household
from include.gas.rights.declared_right import may_be_of


def stop_if_another(
    couchdb: CouchDBHook, account: str, document: Mapping[str, Any] | None, asked: Declaration, *, but: str = ""
) -> None:
    """Stop if an account had its rights from another household than the one that is to be declared for it.

    Otherwise the next one would be given all that is stored of the former one, and its days be added to the other's.

    :param document: the account document; ``None`` if there is none
    :param asked: what the household gives
    :param but: id of the record that the account names, or that was stored for this very declaration
    :raises DeclarationRefused: with the reason :data:`DeclarationRefused.ANOTHER`
    """
    records = ConsentRecords(couchdb).of(account)
    others = [  # where the account names another holder's record, another program has declared since
        record for record in records if record.id != but or not is_same_holder(record.entered, asked)
    ]
    if not all(is_same_holder(record.entered, asked) for record in _former(couchdb, account, document, others)):
        raise another(account)


def another(account: str) -> DeclarationRefused:
    """Return the error that says that an account is another household's."""
    return DeclarationRefused.about(
        account,
        "another household is or was connected under this account; give this one an account of its own",
        "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete the "
        "account first.",
        reason=DeclarationRefused.ANOTHER,
    )


def is_another(
    couchdb: CouchDBHook, account: str, document: Mapping[str, Any] | None, rights: Iterable[AccessRight]
) -> bool:
    """Return whether new rights that were given on GRDF's site are of another household than the account's.

    :param document: the account document; ``None`` if there is none
    :param rights: the rights, as GRDF lists them
    """
    former = _former(couchdb, account, document, ConsentRecords(couchdb).of(account))
    return not all(may_be_of(right, record.entered) for right in rights for record in former)


def _former(
    couchdb: CouchDBHook, account: str, document: Mapping[str, Any] | None, records: Iterable[ConsentRecord]
) -> list[ConsentRecord]:
    """Return the records of who is, or may be, an account's household."""
    known, has_data = list(records), partial(_has_data, couchdb, account)
    sure = of_its_household(document, known, datetime.now(UTC), has_data)
    return sure or in_doubt(document, known, has_data)


def _has_data(couchdb: CouchDBHook, account: str) -> bool:
    """Return whether anything is stored of an account's meters. Each database is asked for one id, the days first.

    A meter may give published periods only, and of old years the konnector's totals alone may be left.
    """
    return any(
        couchdb.last_id(doctype, *account_range(account)) is not None for doctype in (DAY, MONTH, YEAR, PUBLISHED)
    )
