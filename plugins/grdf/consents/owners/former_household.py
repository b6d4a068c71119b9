"""An account has one household for good: another one gets an account of its own, also with another meter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.sections.rights.declaration import Declaration, Holder, is_same_holder
from include.gas.answers.access_rights import AccessRight, Rights
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import DeclarationRefused, ServiceUnavailable
from include.gas.proof.record_use import in_doubt, of_its_household
from include.gas.rights.declared_right import may_be_of
from include.gas.rights.newest_right import as_holder, meters_with_rights, newest_in, vouches_for

_TOLD = 3
"""How many records a message names."""


Ask = Callable[[list[str]], Rights]
"""Asks GRDF which rights we hold on some meters."""


def stop_if_another(
    couchdb: CouchDBHook,
    account: str,
    document: Mapping[str, Any] | None,
    asked: Declaration,
    *,
    ask: Ask,
    but: str = "",
) -> None:
    """Stop if an account had its rights from another household than the one that is to be declared for it.

    Otherwise the next one would be given all that is stored of the former one, and its days be added to the other's.

    :param asked: what the household gives
    :param ask: called only if a record names another holder and the account has a right
    :param but: id of the record that the account names, or that was stored for this very declaration
    :raises DeclarationRefused: with the reason :data:`DeclarationRefused.ANOTHER`
    :raises RetryLater: if GRDF does not answer, or its list cannot be read completely
    """
    records = ConsentRecords(couchdb).of(account)
    known = [  # where the account names another holder's record, another program has declared since
        record for record in records if record.id != but or not is_same_holder(record.entered, asked)
    ]

    def fits(record: ConsentRecord) -> bool:
        return is_same_holder(record.entered, asked)

    if others := _others(couchdb, account, document, known, fits=fits, holders=[asked], ask=ask):
        raise another(account, others)


def another(account: str, records: Sequence[ConsentRecord] = ()) -> DeclarationRefused:
    """Return the error that says that an account is another household's.

    :param records: the records that say so, if any
    """
    told = names_of(records)
    because = f"This is told by the record of consent {told}, which names another holder. " if told else ""
    return DeclarationRefused.about(
        account,
        "another household is or was connected under this account; give this one an account of its own",
        f"Nothing was sent to GRDF. {because}If it is the same household under another name and e-mail address, delete "
        "the account first.",
        reason=DeclarationRefused.ANOTHER,
        records=told,
    )


def names_of(records: Sequence[ConsentRecord]) -> str:
    """Return the newest records as text: their ids and the days on which they were given, which name nobody."""
    newest = [f"{record.id} ({record.given[:10]})" for record in records[: -_TOLD - 1 : -1]]
    return ", ".join(newest) + (" …" if len(records) > _TOLD else "")


def records_of_another(
    couchdb: CouchDBHook,
    account: str,
    document: Mapping[str, Any] | None,
    brought: Sequence[AccessRight],
    listed: Sequence[AccessRight],
) -> list[ConsentRecord]:
    """Return the records that say that new rights from GRDF's site are of another household than the account's.

    :param brought: the new rights, as GRDF lists them
    :param listed: all our rights to these meters and to the account's own
    :return: none if they may be of the same household
    """

    def fits(record: ConsentRecord) -> bool:
        return all(may_be_of(right, record.entered) for right in brought)

    return _others(
        couchdb, account, document, ConsentRecords(couchdb).of(account),
        fits=fits, holders=[as_holder(right) for right in brought], ask=lambda _: Rights(tuple(listed)),
    )  # fmt: skip


def _others(
    couchdb: CouchDBHook,
    account: str,
    document: Mapping[str, Any] | None,
    records: Sequence[ConsentRecord],
    *,
    fits: Callable[[ConsentRecord], bool],
    holders: Sequence[Holder],
    ask: Ask,
) -> list[ConsentRecord]:
    """Return the records that say that an account is another household's, unless its newest right says the contrary.

    :param records: the account's records, without that of what is to be connected
    :param fits: returns whether a record is of whom is to be connected
    :param holders: who is to be connected
    """
    now, has_data = datetime.now(UTC), partial(_has_data, couchdb, account)
    sure = of_its_household(document, records, now, has_data)
    others = [record for record in sure or in_doubt(document, records, has_data) if not fits(record)]
    meters = meters_with_rights(document)
    if not (others and meters):
        return others
    listed = ask([meter.pce for meter in meters])
    newest = newest_in(listed.rights, meters)
    if newest is None and listed.odd:
        raise ServiceUnavailable.about(
            account, f"{listed.odd} line(s) of GRDF's list could not be read, and one may say whose the account is"
        )
    # In doubt, whoever is named by the others may have come once that right had ended.
    since = "" if sure else max(record.given for record in others)
    today = paris_today(now)
    same = newest and all(vouches_for(right, each, today, since=since) for right in newest for each in holders)
    return [] if same else others


def _has_data(couchdb: CouchDBHook, account: str) -> bool:
    """Return whether anything is stored of an account's meters. Each database is asked for one id, the days first.

    A meter may give published periods only, and of old years the konnector's totals alone may be left.
    """
    return any(
        couchdb.last_id(doctype, *account_range(account)) is not None for doctype in (DAY, MONTH, YEAR, PUBLISHED)
    )
