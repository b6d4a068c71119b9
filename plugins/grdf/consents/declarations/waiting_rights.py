"""Rights that wait for their holder: what GRDF's list says of them, written to their accounts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial

from grdf.consents.owners.taking import take
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import Account
from include.gas.account.sections.rights.list_seen import is_fresh, seen_at, with_seen
from include.gas.answers.access_rights import WAITING, Rights
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import ODD_DOCUMENT, BadAccount, GasError, MeterTaken, what_is_odd
from include.gas.rights.consent_check import Listed, compared

log = logging.getLogger(__name__)


def waiting_meters(document: Mapping[str, object]) -> list[str]:
    """Return the meters of an account with a right that waits for its holder; none if the document cannot be read."""
    try:
        account = Account.from_document(document)
    except BadAccount:
        return []
    if account.leaving:
        return []
    return [meter.pce for meter in account.meters if any(right.unusable == WAITING for right in meter.rights)]


class WaitingRights:
    """Notes what GRDF's list says of rights that wait.

    :param adict: the hook for the client whose list that is, and to which the accounts belong
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)

    def note(self, names: Collection[str], rights: Rights, asked_at: datetime) -> list[str]:
        """Note GRDF's answer on some accounts. What is wrong with one account keeps none of the others waiting.

        :param rights: all our rights to the accounts' meters
        :param asked_at: when GRDF was asked for them, aware
        :return: the accounts with a meter that may be read now and could not be before
        """
        opened: list[str] = []
        for name in names:
            try:
                if self._note(name, rights, asked_at):
                    log.info("Account %s: the contract's holder has accepted the right; it is read from now on.", name)
                    opened.append(name)
            except MeterTaken as error:
                log.warning("%s", error)
                self._mark(name, error)
            except (GasError, *ODD_DOCUMENT) as error:
                why = what_is_odd(error)
                log.warning("Account %s: whether its holder has accepted could not be noted. %s", name, why)
        return opened

    def _note(self, name: str, rights: Rights, asked_at: datetime) -> bool:
        before = self._accounts.document(name)
        pces, last = waiting_meters(before), self._accounts.listed_at(self._adict.grdf_conn_id)
        listed = Listed([right for right in rights.rights if right.pce in pces], asked_at, meters=pces, declared=True)

        def change(document: Document) -> Document:
            now = datetime.now(UTC)
            found = compared(document, listed, now=now, today=paris_today(now))
            if found.lost or is_fresh(seen_at(document, last), now):
                return found.document
            return with_seen(found.document, utc_text(asked_at))  # so that the first run need not ask for it again

        if not pces:
            return False
        meters = Account.from_document(before).meters
        shut = {meter.pce for meter in Account.from_document(change(before)).meters if meter.lost}
        opened = [meter for meter in meters if meter.lost and meter.pce in pces and meter.pce not in shut]
        write = partial(self._accounts.update, name, change)
        if opened:
            take(self._couchdb, name, opened, write, ask=lambda _: rights, adict=self._adict)
        else:
            write()
        return bool(opened)

    def _mark(self, name: str, error: MeterTaken) -> None:
        try:
            self._accounts.mark(name, error, partial=self._accounts.account(name).reads_on)
        except GasError as gone:
            log.warning("Account %s could not be marked. %s", name, gone)
