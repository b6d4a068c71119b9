"""Making accounts for rights that exist at GRDF, under the lease that all connections take."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from grdf import settings
from grdf.consents.owners.taking import one_at_a_time, take
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.quota.terms import HISTORY
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.adopted_records import AdoptedRecords
from include.gas.account.account import Account
from include.gas.account.connected import connected
from include.gas.account.grant import IdToken
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.list_seen import with_seen
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, FailNow, MeterTaken
from include.gas.importing.adoption import ID_TAKEN, JUST_DECLARED, LEFT, TAKEN, Adoption, not_free
from include.gas.importing.holdings import Holding, Holdings
from include.gas.leaving.late_rights import left_rights
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import handed_over

log = logging.getLogger(__name__)

TOGETHER = 100
"""Accounts that are made under one lease, after one look at all accounts."""
GIVEN = "an account was given the right in the meantime"
REASONS = (GIVEN, JUST_DECLARED, LEFT)


class Adopting:
    """Makes the accounts of a plan. It may be repeated: rights that an account has are left alone.

    ``recorded`` says for how many of them there is a record of the consent.

    :param adict: the hook for one of our clients, which leads to the others
    :param asker: who started the adoption
    :param asked_at: when GRDF was asked for its list, aware
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, asker: str, asked_at: datetime) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._adict = adict
        self._by = f"rights adopted by {asker}"
        self._asked_at = asked_at
        self._records = AdoptedRecords(couchdb, ())
        self.recorded = 0

    def adopt(self, adoptions: Sequence[Adoption]) -> list[tuple[Adoption, str]]:
        """Make the accounts.

        :return: those that could not be made, because something has changed since the plan, with the reason
        :raises StoreBusy: if connections keep us from it; what was made stays, and a repetition makes the others
        :raises RetryLater: if GRDF or CouchDB does not answer; likewise
        """
        left: list[tuple[Adoption, str]] = []
        named: list[Adoption] = []
        self._records = AdoptedRecords(self._couchdb, {each.pce for each in adoptions})
        for at in range(0, len(adoptions), TOGETHER):
            batch = adoptions[at : at + TOGETHER]
            with one_at_a_time(self._couchdb, batch[0].account) as check_time:
                holdings, gone = self.holdings(), self._gone(batch)
                for each in batch:
                    if reason := _changed(each, holdings, gone):
                        left.append((each, reason))
                    elif holdings.naming(each.pce):
                        named.append(each)
                    else:
                        check_time()
                        holdings.add(Holding.of(self._make(each)))
        return left + [(each, reason) for each in named if (reason := self._beside_others(each))]

    def holdings(self) -> Holdings:
        """Return what all accounts have, and what they are about to be given because of a grant that waits in them."""
        found = Holdings(())
        for document in self._accounts.every():
            found.add(Holding.of(document))
            found.expect(self._granted(document), str(document["_id"]))
        return found

    def _granted(self, document: Document) -> list[str]:
        try:
            account = Account.from_document(document)
            if not account.needs_grant or not isinstance(account.grant, IdToken):
                return []
            token = account.grant
            oauth = self._adict.of(document).oauth
            consents = oauth.consents_of(token.token, account=account.id, nonce=token.nonce, ever=True)
        except FailNow:
            return []
        return [consent.id_accreditation for consent in consents if consent.id_accreditation]

    def _beside_others(self, adoption: Adoption) -> str:
        """Make an account whose meter another one names. Return why it cannot be made; ``""`` if it was."""
        client = self._adict.named(adoption.connection)
        try:
            take(
                self._couchdb, adoption.account, adoption.consents, lambda: self._if_free(adoption),
                ask=lambda pces: client.listed_rights(pces, account=adoption.account, terms=HISTORY), adict=client,
            )  # fmt: skip
        except MeterTaken as error:
            return error.cause if error.cause in REASONS else TAKEN
        except BadAccount:
            return ID_TAKEN
        return ""

    def _if_free(self, adoption: Adoption) -> Document:
        if reason := _given(adoption, self.holdings(), self._gone([adoption])):
            raise MeterTaken.about(adoption.account, reason)
        return self._make(adoption)

    def _gone(self, adoptions: Iterable[Adoption]) -> set[str]:
        rights: dict[str, list[AccessRight]] = {}
        for adoption in adoptions:
            rights.setdefault(adoption.connection, []).extend(adoption.rights)
        records = list(self._couchdb.scan(AUDIT))
        return {gone for client, listed in rights.items() for gone in left_rights(records, listed, client)}

    def _make(self, adoption: Adoption) -> Document:
        """Make an account. Its record is stored first, so that there is no moment without one."""
        records = self._records.behind(adoption.rights)
        names = [str(handed_over(each, adoption.account)["_id"]) for each in records]

        def change(document: Document | None) -> Document:
            if document is not None:
                raise BadAccount.about(adoption.account, "there is an account of this id")
            made: Document | None = None
            at, whose = datetime.now(UTC), adoption.connection
            for consent in adoption.consents:  # the last one becomes the first of the account's
                made = connected(made, adoption.account, [consent], at=at, by=self._by, connection=whose)
            assert made
            made = Connected.with_record(made, names[-1]) if names else made
            return with_seen(made, utc_text(self._asked_at))

        stored = self._records.give(records, adoption.account)
        try:
            made = self._accounts.save(adoption.account, change)
        except BadAccount:
            self._records.take_back(stored)
            raise
        self._records.forget(records)
        self.recorded += bool(names)
        log.info(
            "Account %s is made for right %s to meter %s%s.", adoption.account, adoption.names,
            meter_tag(adoption.account, adoption.pce), ", with the record of its consent" if names else "",
        )  # fmt: skip
        return made


def _given(adoption: Adoption, holdings: Holdings, gone: Collection[str]) -> str:
    """Return why a right is not to be given to anybody any more; ``""`` if it is."""
    reasons = [not_free(right, holdings, gone, adoption.connection) for right in adoption.rights]
    owned = any(holdings.owner(right.id) for right in adoption.rights)
    return next(filter(None, reasons), GIVEN if owned else "")


def _changed(adoption: Adoption, holdings: Holdings, gone: Collection[str]) -> str:
    if reason := _given(adoption, holdings, gone):
        return reason
    if holdings.of(adoption.account) is not None:
        return ID_TAKEN
    return TAKEN if holdings.holder(adoption.pce) and not settings.meter_in_several_accounts() else ""
