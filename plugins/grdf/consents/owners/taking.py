"""Taking a household's consent into its account, and what happens to other accounts that have its meters.

A call for data is answered by meter alone. So if somebody consents on a meter that another account has, that account
must learn at once that its own right is over; otherwise its next run would be served under the new right. If both
rights are in force, two accounts would store the same days, which happens only if an installation allows it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from grdf import settings
from grdf.consents.lists.consent_dates import claimed_rights
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.quota.terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.lease import lease
from include.gas.account.account import Account
from include.gas.account.sections.marks import leaving
from include.gas.answers.access_rights import Rights
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today
from include.gas.errors import (
    BadAccount,
    BadSettings,
    ClientUnknown,
    CredentialsRefused,
    MeterTaken,
    QuotaWait,
    ServiceUnavailable,
    StoreBusy,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_check import Listed, compared

log = logging.getLogger(__name__)

Document = dict[str, Any]
ROUNDS = 5
"""How often to check again which other accounts have the meters, while others keep connecting."""
LEASE = 40.0
"""Seconds for which one account holds the lease at most, and for which the next one waits."""
PATIENT = Terms(longest_wait=20.0)
"""How another client is asked about its account: somebody may be waiting for the result."""
IN_TIME = LEASE / 2
"""Seconds within which the holder must start to write, so that it has written before the next one looks."""


@contextmanager
def one_at_a_time(couchdb: CouchDBHook, account_id: str) -> Iterator[Callable[[], None]]:
    """Allow one account at a time to be given meters and rights, so that of two at once the second sees the first.

    Yield a function that must be called right before writing.

    Being late is better than a right in two accounts: a caller that does not get the lease, or has held it for too long
    when it would write, stops.

    :raises StoreBusy: if it took too long; the yielded function raises it, too
    """

    def check() -> None:
        if not held or time.monotonic() - since > IN_TIME:
            raise StoreBusy.about(account_id, "other accounts are being connected, which takes longer than usual")

    with lease(couchdb, "meters", seconds=LEASE, poll=0.1) as held:
        since = time.monotonic()
        check()
        yield check


def take(
    couchdb: CouchDBHook,
    account_id: str,
    consents: Iterable[Consent],
    write: Callable[[], Document],
    *,
    ask: Callable[[list[str]], Rights],
    adict: AdictHook,
) -> Document:
    """Write an account's new consents, unless another account has one of the meters under a right that is in force.

    If another account's right is over, it is marked as such before this account gets its meter, and is not read any
    more. Each account is judged by what GRDF lists for its own client, since rights are a client's.

    :param consents: what the household has just consented to
    :param write: writes them to the account
    :param ask: asks GRDF for all our rights on some meters; called only if another account has one of them
    :param adict: the hook for this account's client, which leads to those of others
    :return: the result of ``write``
    :raises MeterTaken: if another account has one of the meters; nothing is written
    :raises ServiceUnavailable: if GRDF's list cannot be read completely
    :raises StoreBusy: if other accounts that take meters took too long
    """
    accounts = AccountStore(couchdb)
    pces = [consent.pce for consent in consents]
    brought = {consent.id_accreditation: account_id for consent in consents if consent.id_accreditation}
    considered: set[str] = set()
    lists: dict[str, Listed] = {}
    for _ in range(ROUNDS):
        with one_at_a_time(couchdb, account_id) as check_time:  # GRDF is asked without the lease: that may take long
            others = _others(accounts, account_id, pces)
            if others.keys() <= considered:
                _make_way(accounts, account_id, pces, others, lists, adict)
                check_time()
                return write()
        lists = _lists(ask, account_id, pces, brought, others, adict)
        considered = set(others)
    raise ServiceUnavailable.about(account_id, "other accounts kept taking the same meters")


def _others(accounts: AccountStore, account_id: str, pces: Iterable[str]) -> dict[str, Document]:
    found = {str(document["_id"]): document for pce in pces for document in accounts.holding(pce)}
    return {name: each for name, each in found.items() if name != account_id and leaving(each) is None}


def _lists(
    ask: Callable[[list[str]], Rights],
    account_id: str,
    pces: list[str],
    brought: dict[str, str],
    others: dict[str, Document],
    adict: AdictHook,
) -> dict[str, Listed]:
    """Return what GRDF lists for the clients that have a part in this, by their connections.

    Another client that cannot be asked because of a setting, that GRDF refuses, or whose calls are spent, has no list.
    It must not keep everybody from connecting for as long as that lasts: its accounts count as what they were told
    last. A refusal makes later calls wait for their turn, too.
    """
    lists: dict[str, Listed] = {}
    for client in {_client_of(document, adict) for document in others.values()} - {""}:
        if client == adict.grdf_conn_id:
            lists[client] = _ask(ask, account_id, pces, brought)
            continue
        other = partial(adict.named(client).listed_rights, account=account_id, terms=PATIENT)
        try:
            lists[client] = _ask(other, account_id, pces, brought)
        except (BadSettings, CredentialsRefused, QuotaWait) as error:
            log.warning("Account %s: GRDF cannot be asked about other accounts with its meter. %s", account_id, error)
    return lists


def _client_of(document: Document, adict: AdictHook) -> str:
    """Return the connection of an account's client; ``""`` if GRDF cannot be asked for the account."""
    try:
        return adict.of(document).grdf_conn_id
    except ClientUnknown as error:
        log.warning("%s", error)
        return ""


def _ask(ask: Callable[[list[str]], Rights], account_id: str, pces: list[str], brought: dict[str, str]) -> Listed:
    asked_at = datetime.now(UTC)
    answer = ask(pces)
    if answer.odd:
        raise ServiceUnavailable.about(
            account_id,
            f"another account also has its meter, and {answer.odd} line(s) of GRDF's list could not be read to "
            "tell whose consent is in force",
        )
    return Listed(answer.rights, asked_at, meters=pces, held=brought)


def _make_way(
    accounts: AccountStore,
    account_id: str,
    pces: Collection[str],
    others: dict[str, Document],
    lists: Mapping[str, Listed],
    adict: AdictHook,
) -> None:
    told: dict[str, Listed] = {}
    for name, document in others.items():
        listed = lists.get(_client_of(document, adict))
        try:
            if listed is None:
                shared, same = _believed(document, pces), list[str]()
            else:
                told[name] = replace(listed, claimed=claimed_rights(adict.of(document).oauth, document))
                shared = _in_force(document, told[name])
                same = _same_rights(document, listed)
        except BadAccount as error:
            log.warning("Account %s: it is not known what it brought. %s", name, error)
            continue
        if same:
            raise MeterTaken.about(
                account_id,
                f"we have this right to read its meter {meter_tag(account_id, same[0])}, and it is another account's",
                "Nothing was changed here. Anybody who may see the other account finds it in Gas accounts by the "
                "meter's number. If it is the same household's, for example because its right was adopted, keep that "
                "account, or delete it, which ends the right, and let this household connect again.",
                holder=name,
            )
        if shared and not settings.meter_in_several_accounts():
            tags = ", ".join(meter_tag(account_id, pce) for pce in shared)
            why = "whose consent is active according to GRDF's list"
            if listed is None:
                why = "and GRDF cannot be asked with that account's client whether its consent is still active"
            raise MeterTaken.about(
                account_id,
                f"its meter {tags} belongs to another account, {why}",
                "Nothing was changed here; the consent that was just given remains at GRDF, unused. Anybody who "
                "may see the other account finds it in Gas accounts by the meter's number. If it is the same "
                "household's, connect that account again, or delete it first. If both are to be read, set [grdf] "
                "meter_in_several_accounts. Then let this household connect again.",
                holder=name,
            )
        if shared:
            log.warning("Account %s: account %s has the same meter, and both are read.", account_id, name)
    for name, known in told.items():
        changed = accounts.update(name, partial(_checked, listed=known))
        account = Account.from_document(changed)
        if any(meter.lost for meter in account.meters if meter.pce in (known.meters or ())):
            log.warning(
                "Account %s: its consent has ended, and account %s has brought a new one on the same meter. It "
                "is no longer read; what is stored for it stays.", name, account_id,
            )  # fmt: skip


def _checked(document: Document, *, listed: Listed) -> Document:
    if leaving(document) is not None:
        return document
    now = datetime.now(UTC)
    try:
        return compared(document, listed, now=now, today=paris_today(now)).document
    except BadAccount:
        return document


def _same_rights(document: Document, listed: Listed) -> list[str]:
    """Return the meters for which an account has the very right that is about to be taken into another one."""
    meters = Account.from_document(document).meters
    return [meter.pce for meter in meters if meter.pce in (listed.meters or ()) and meter.own & {*listed.held}]


def _believed(document: Document, pces: Collection[str]) -> list[str]:
    """Return which of some meters an account has, as far as it was told, whose client cannot be asked."""
    return [meter.pce for meter in Account.from_document(document).meters if meter.pce in pces and not meter.lost]


def _in_force(document: Document, listed: Listed) -> list[str]:
    """Return which of the meters asked about an account has under a right of its own that is in force."""
    meters = Account.from_document(_checked(document, listed=listed)).meters
    return [meter.pce for meter in meters if meter.pce in (listed.meters or ()) and not meter.lost]
