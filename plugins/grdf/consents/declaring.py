"""Declaring a household's right at GRDF ("tiers direct"), once: GRDF never gets a second one for the same household.

The account says what the household gave (``declaration``). GRDF may have taken a right although its answer was lost, so
each try after the first one looks at GRDF's list before it declares. As soon as GRDF has the right, the person is
removed from the account, and the right is its consent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from grdf.consents.consent_dates import other_holders
from grdf.consents.taking import take
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.quota.terms import DAILY, Terms
from grdf.stores.account_store import AccountStore
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.declaration_check import to_declare
from include.gas.account.sections.declaration import Declaration, with_refused, with_sent
from include.gas.account.state import with_state
from include.gas.answers.access_rights import Rights, is_pce
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today
from include.gas.errors import (
    BadAccount,
    DeclarationRefused,
    FailNow,
    MeterTaken,
    RightExists,
    ServiceUnavailable,
    StoreBusy,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.declared_right import Declared, own_in, request_of, taken_up

log = logging.getLogger(__name__)


class Declaring:
    """Declares the right of one account.

    :param couchdb: the hook for the CouchDB with the accounts
    :param adict: the hook for ADICT
    :param account_id: the account's id
    :param terms: the quota terms of the calls to GRDF
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account_id: str, terms: Terms = DAILY) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._adict = adict
        self._account = account_id
        self._terms = terms

    def declare(self) -> Declared:
        """Make sure that GRDF has the right, and write it to the account. If a person must act, the account says so.

        :return: the right
        :raises MeterTaken: if another account has the meter or the right
        :raises AccountLeaving: if the household is leaving
        :raises DeclarationRefused: if the declaration is incomplete, if GRDF refuses it, or if GRDF has a right that
            was declared for somebody else
        :raises RetryLater: if GRDF or CouchDB does not answer; the next try finds the right if GRDF has taken it
        """
        try:
            right = self._right()
        except FailNow as error:
            self._mark(error)
            raise
        tag = meter_tag(self._account, right.pce)
        if right.waits:
            log.info(
                "Account %s: the right to read meter %s is declared. GRDF mails the holder of the contract.",
                self._account, tag,
            )  # fmt: skip
        else:
            log.info("Account %s: the right to read meter %s is declared and in force.", self._account, tag)
        return right

    def _right(self) -> Declared:
        asked = to_declare(self._accounts.document(self._account))
        right = self._listed(asked) if asked.sent else None
        if right is None:
            right = self._declared(asked)
        try:
            self._take(right.pce, lambda: self._write(right), right.id)
        except BadAccount:
            log.error(
                "Account %s: the right %s is declared, but the account cannot be written. Ask GRDF to revoke it.",
                self._account, right.id,
            )  # fmt: skip
            raise
        return right

    def _mark(self, error: FailNow) -> None:
        state, now = error.state, datetime.now(UTC)
        if state is None:  # the household and the operator can do nothing about it here
            return

        def change(document: Document) -> Document:
            partial = Account.from_document(document).reads_on
            return with_state(with_refused(document), state, str(error), since=now, partial=partial)

        self._accounts.update(self._account, change)

    def take_up_known(self) -> Declared | None:
        """Write the right to the account if GRDF has it, without declaring one: for a household that leaves.

        :return: the right; ``None`` if GRDF has none
        """
        asked = Declaration.of(self._accounts.document(self._account))
        right = self._listed(asked) if asked and asked.sent else None
        if right is not None:
            now = datetime.now(UTC)
            self._accounts.update(self._account, lambda document: taken_up(document, right, now))
        return right

    def _declared(self, asked: Declaration) -> Declared:
        """Declare the right, and return it; the one that GRDF has already if it was declared for this household."""
        began = datetime.now(UTC)
        request = request_of(asked, paris_today(began))

        def sent(document: Document) -> Document:
            stop_if_leaving(Account.from_document(document))
            if request_of(to_declare(document), paris_today(began)) != request:
                raise StoreBusy.about(self._account, "its declaration was changed at this very moment")
            return with_sent(document, asked, began)

        # Under the lease that all connections take: of two accounts with one meter, the second sees the first.
        self._take(asked.pce, lambda: self._accounts.update(self._account, sent))
        try:
            right = self._adict.declare(asked.pce, request, account=self._account, terms=self._terms)
        except RightExists as error:
            known = self._listed(asked)
            if known is None:
                raise self._of_others(asked, error) from None
            return known
        if right.id:
            return right
        known = self._listed(asked)
        if known is None:
            raise ServiceUnavailable.about(
                self._account, "the right is declared, but GRDF's list does not show it yet, so its id is not known"
            )
        return known

    def _write(self, right: Declared) -> Document:
        holder = other_holders(self._accounts, self._account, [right.pce]).get(right.id)
        if holder is not None:  # it was written while GRDF answered us
            raise self._taken(right.pce, holder)
        now = datetime.now(UTC)
        return self._accounts.update(self._account, lambda document: taken_up(document, right, now))

    def _take(self, pce: str, write: Callable[[], Document], right: str | None = None) -> None:
        take(self._couchdb, self._account, [Consent(pce, right)], write, ask=self._ask, oauth=self._adict.oauth)

    def _ask(self, pces: list[str]) -> Rights:
        return self._adict.listed_rights(pces, account=self._account, terms=self._terms)

    def _listed(self, asked: Declaration) -> Declared | None:
        """Return the right that GRDF already has for this household; ``None`` if there is none."""
        pces = sorted({pce for pce in (asked.pce, asked.sent_pce) if is_pce(pce)})
        listed = self._ask(pces)
        account = self._accounts.account(self._account)
        own = {right for meter in account.meters if meter.pce in pces for right in meter.own}
        held = other_holders(self._accounts, self._account, pces)
        right = own_in(listed.rights, {asked.fingerprint, asked.sent_as}, own, held)
        if right is None and listed.odd:
            raise ServiceUnavailable.about(
                self._account,
                f"{listed.odd} line(s) of GRDF's list could not be read, and one may be the right that was declared",
            )
        return right

    def _of_others(self, asked: Declaration, error: RightExists) -> DeclarationRefused | MeterTaken:
        held = other_holders(self._accounts, self._account, [asked.pce])
        if held:
            return self._taken(asked.pce, next(iter(held.values())))
        return DeclarationRefused.about(
            self._account,
            f"{error.cause}, and it was declared for another name or e-mail address",
            "Nothing was declared. Ask the household which name and e-mail address GRDF knows. If the right is that of "
            "somebody who has moved out, have it revoked first. Then correct the declaration and start a run.",
            reason=DeclarationRefused.EXISTS,
        )

    def _taken(self, pce: str, holder: str) -> MeterTaken:
        return MeterTaken.about(
            self._account,
            f"we already have a right to read meter {meter_tag(self._account, pce)}, and it is another account's",
            "Nobody who may see only this account sees that one; whoever may finds it in Gas accounts by the meter's "
            "number. If its household has left, delete that account, then start a run of this one.",
            holder=holder,
        )
