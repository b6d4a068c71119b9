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
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import account_range
from include.gas.errors import DeclarationRefused
from include.gas.proof.record_use import of_its_household
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
    former = of_its_household(document, others, datetime.now(UTC), partial(_has_days, couchdb, account))
    if not all(is_same_holder(record.entered, asked) for record in former):
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
    records = ConsentRecords(couchdb).of(account)
    former = of_its_household(document, records, datetime.now(UTC), partial(_has_days, couchdb, account))
    return not all(may_be_of(right, record.entered) for right in rights for record in former)


def _has_days(couchdb: CouchDBHook, account: str) -> bool:
    return couchdb.last_id(DAY, *account_range(account)) is not None
