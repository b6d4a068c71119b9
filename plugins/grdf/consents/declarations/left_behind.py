"""Rights that GRDF took while their account was being deleted: the account comes back, so that a deletion can end them.

Only a deletion may revoke (``grdf.hooks.revocation``), so whoever finds such a right gives it an account that is
leaving. The check of consents tells of it every morning until it is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from grdf import settings
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.accounts.account_store import TRIES, AccountStore
from include.gas.account.sections.client import DEFAULT, client_if_known
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.answers.access_rights import WAITING, AccessRight
from include.gas.consents.consent import Consent
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import BadAccount, BadSettings, GasError, StoreBusy
from include.gas.importing.holdings import Holding, Holdings
from include.gas.leaving.late_rights import (
    UNANSWERED,
    come_back,
    declared_on,
    is_noted,
    is_revoked,
    late_rights,
    stranded_message,
    unlisted_message,
    without_ended,
    without_old,
)
from include.gas.rights.declared_right import Declared

log = logging.getLogger(__name__)


class LeftBehind:
    """Finds rights whose account was deleted while they were declared, and makes the account again."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)

    def stop_if_gone(
        self,
        account: str,
        sent: SentDeclarations,
        rights: Sequence[Declared] = (),
        *,
        cause: GasError,
        client: str = DEFAULT,
    ) -> None:
        """Note what GRDF has or may have, if the account does not exist any more. To be called after a declaration.

        If its id is another household's by now, nothing is written there.

        :param sent: what was sent
        :param rights: what GRDF has taken; none if that is not known
        :param cause: what kept the right from being written to the account
        :param client: the connection of the client that declared it
        :raises BadAccount: if the account is gone
        """
        try:
            document = self._couchdb.get(ACCOUNT, account)
            noted = is_noted(self._couchdb.range(AUDIT, *account_range(account)), sent)
            if document is not None and _is_same(document, sent, rights, noted=noted):
                return  # if it is leaving, its deletion looks for the right
            if document is None and (rights or not noted):
                consents = [_consent(right) for right in reversed(rights)]
                self._come_back(account, consents, sent, client=client)
        except GasError:
            named = f" {', '.join(right.id for right in rights)}" if rights else ""
            log.exception(
                "Account %s: it was deleted while its right%s was declared, and that could not be noted. Look for the "
                "right in GRDF's list, and ask GRDF to revoke it.", account, named,
            )  # fmt: skip
            raise
        if document is not None:
            error = _given_again(account, rights, noted=noted)
            log.error("%s", error)
            raise error from cause
        step = "grdf_consents looks for the right, and says what to do once GRDF's list shows it."
        if rights or not noted:
            step = "Start grdf_delete_account for it again: it ends the right at GRDF."
        what = "GRDF has that right" if rights else "GRDF may have that right"
        raise BadAccount.about(
            account, f"it was deleted while GRDF was asked for its right, and {what}", step
        ) from cause

    def find(
        self,
        records: Mapping[str, Sequence[Mapping[str, Any]]],
        lists: Mapping[str, Sequence[AccessRight]],
        holdings: Holdings,
    ) -> list[str]:
        """Make the accounts again for whose deletions GRDF's list shows a right late.

        An account that exists again is given none, since its id may be another household's. A person is told then.

        :param records: the records of deletions by account
        :param lists: all rights of each client whose list is known, by its connection
        :return: the accounts for which a person must act
        """
        found, now = [], datetime.now(UTC)
        self._tell_unlisted(records, now)
        for account, entries in records.items():
            asked = [(entry, client_if_known(entry)) for entry in entries if entry.get(UNANSWERED)]
            open_ = [(entry, client) for entry, client in asked if client in lists]
            back: dict[str, dict[str, AccessRight]] = {}
            for entry, client in open_:
                for right in late_rights(without_old(entry, now), lists[client]):
                    if not is_revoked(entries, right) and not holdings.claims(right, client):
                        back.setdefault(client, {})[right.id] = right
                        log.warning(
                            "Account %s: right %s was made on %s, and the account, which was deleted, had one declared "
                            "on %s for the same holder.", account, right.id, right.created, declared_on(entry, right),
                        )  # fmt: skip
            if back:
                found.append(account)
                for client, rights in back.items():
                    self._give_back(account, list(rights.values()), holdings, client)
            for entry, client in open_:
                self._settle(entry, partial(_settled, entries=entries, rights=lists[client], now=now))
        return found

    def _tell_unlisted(self, records: Mapping[str, Sequence[Mapping[str, Any]]], now: datetime) -> None:
        """Tell of rights that nobody looks for, because the settings do not list their client any more.

        What is too old to be looked for is removed from these records as from all others.
        """
        try:
            listed = settings.connections()
        except BadSettings:  # it is told, and corrected, before anything can be said of single connections
            return
        for account, entries in records.items():
            open_ = [(entry, client_if_known(entry)) for entry in entries if entry.get(UNANSWERED)]
            unlisted = [(entry, client) for entry, client in open_ if client and client not in listed]
            for client in sorted({client for entry, client in unlisted if without_old(entry, now).get(UNANSWERED)}):
                log.warning("%s", unlisted_message(account, client))
            for entry, _ in unlisted:
                self._settle(entry, partial(without_old, now=now))

    def _give_back(self, account: str, rights: Sequence[AccessRight], holdings: Holdings, client: str) -> None:
        """Make an account again that its rights can be ended with."""
        there = holdings.of(account)
        if there is None:
            try:
                self._come_back(account, [Consent.of_right(right) for right in rights], client=client)
            except StoreBusy:
                log.warning("%s", stranded_message(account, rights))
        elif not there.is_leaving:  # else its deletion ends first, and then it comes back
            log.warning("%s", stranded_message(account, rights))

    def _come_back(
        self, account: str, consents: Sequence[Consent], sent: SentDeclarations | None = None, *, client: str
    ) -> None:
        def change(document: Document | None) -> Document:
            if document is not None:
                raise StoreBusy.about(account, "it was made again at this very moment")
            return come_back(account, consents, at=datetime.now(UTC), sent=sent, connection=client)

        made = self._accounts.save(account, change)
        log.error("%s", made["state_message"])

    def _settle(self, entry: Mapping[str, Any], settled: Callable[[Mapping[str, Any]], Document]) -> None:
        """Remove from the record of a deletion what nobody must look for any more.

        :param settled: returns the record without that
        """
        stored: Mapping[str, Any] | None = entry
        for _ in range(TRIES):
            if stored is None:
                return
            new = settled(stored)
            if new == stored or self._couchdb.put(AUDIT, new):
                return
            stored = self._couchdb.get(AUDIT, str(entry["_id"]))


def _settled(
    entry: Mapping[str, Any],
    *,
    entries: Sequence[Mapping[str, Any]],
    rights: Sequence[AccessRight],
    now: datetime,
) -> Document:
    return without_old(without_ended(entry, entries, rights), now)


def _is_same(document: Document, sent: SentDeclarations, rights: Sequence[Declared], *, noted: bool) -> bool:
    """Return whether an account is still the one whose right was declared.

    :param noted: whether the record of a deletion has what was sent
    """
    if sent in SentDeclarations.of(document):
        return True
    own = Holding.of(document).rights
    return not noted and all(right.id in own for right in rights)


def _given_again(account: str, rights: Sequence[Declared], *, noted: bool) -> BadAccount:
    named = ", ".join(right.id for right in rights)
    step = f"Ask GRDF to revoke right {named}: no account has it."
    if noted:
        step = "grdf_consents looks for the right, and says what to do once GRDF's list shows it."
    what = "GRDF has that right" if rights else "GRDF may have that right"
    cause = f"it was deleted while GRDF was asked for its right, and {what}. The id is in use again, maybe for another "
    return BadAccount.about(account, cause + "household, so nothing was written there", step)


def _consent(right: Declared) -> Consent:
    return Consent(right.pce, right.id or None, unusable=WAITING if right.waits else "")
