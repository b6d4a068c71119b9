"""Taking in an account: what its document asks for becomes rights in the ledger, and the ledger decides.

The intents are a grant of Client Connect, a right that the document names, and a declaration. Whoever writes one (the
page, an import, cozy-stack, another program) leaves the rest to this. It may be repeated and killed at any point: the
ledger says what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.account_rights import AccountRights
from grdf.quota.terms import DAILY, Terms
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.grant import IdToken, with_id_token, without_grant
from include.gas.account.own_meters import named_in
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import is_refused, with_refused
from include.gas.account.state import with_error
from include.gas.answers.claims import Claim
from include.gas.errors import DeclarationRefused, FailNow, GrantRefused, IdTokenRefused, MeterTaken, RetryLater
from include.gas.konnector.konnector_right import konnector_right
from include.gas.rights.meter_rights import Meter, Right

Document = dict[str, Any]


class TakingIn(AccountRights):
    """Takes in one account."""

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account: str, terms: Terms = DAILY) -> None:
        super().__init__(couchdb, adict, account, terms)
        self._links = HouseholdLinks(couchdb)
        self._spent: Account | None = None
        """The account as it was, if its grant is in the ledger."""

    def take_in(self, document: Document | None = None, *, declares: bool = True, asks: bool = False) -> Document:
        """Let the ledger decide on all that the account's document asks for, and write what came of it.

        :param document: the account's document, if it was just read
        :param declares: whether a declaration is sent that GRDF has refused before
        :param asks: whether GRDF is also asked about meters that may not be read: a person thinks that they may
        :return: the document as it is stored then
        :raises MeterTaken: if another account has a right of it, or the meter that is to be declared
        :raises DeclarationRefused: if GRDF refuses the declaration, or somebody has to correct it
        :raises LeftBefore: if its household has left, and a restored backup has brought the account back
        :raises FailNow: if its grant cannot be used
        :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
        """
        document = document or self.accounts.document(self.account)
        account = Account.from_document(document)
        stop_if_leaving(account)
        try:
            if not (account.meters or account.grant or account.declares or account.refused):
                raise GrantRefused.about(
                    account.id, "no meter is known, and there is neither an id_token nor a code to learn it from"
                )
            self.bring_named(document, account)
            if account.needs_grant:
                self._bring_grant(document, account)
            if account.declares and (declares or not account.refused):
                self.declare(document)
            self._look_at_unseen(document, closed=asks)
        except FailNow as error:
            self._settle(document, error)
            raise
        except RetryLater:
            if self.meters:
                self._settle(document)
            raise
        return self._settle(document)

    def _settle(self, known: Document, error: FailNow | None = None) -> Document:
        """Write to the account what the ledger says of its meters.

        :param known: the account's document as it was read
        :param error: what a person must know of this try
        """
        now = datetime.now(UTC)

        def change(document: Document) -> Document:
            if self._spent is not None and _has(document, self._spent):
                document = without_grant(document, token=True)
            changed = self.ledger.settled(document, self.meters.values())
            if error is None or error.state is None:
                return changed
            reads = any(each.is_open for each in Account.from_document(changed).meters)
            if isinstance(error, DeclarationRefused | MeterTaken):
                changed = with_refused(changed, str(error), now, error.reason)
            return with_error(changed, error, since=now, partial=reads)

        document = self.accounts.update(self.account, change, known=known)
        if is_refused(document):
            self._links.give_back(self.account, Connected.moment(document))
        return document

    def bring_named(self, document: Document, account: Account) -> None:
        """Bring the rights that the document names and the ledger lacks: the konnector's, or those of a lost ledger.

        :raises MeterTaken: if another account has one of them
        :raises LeftBefore: if its household has left
        """
        named = named_in(document, account.id)
        self.meters |= self.ledger.fetch(pce for pce, _ in named)
        missing = [(pce, right) for pce, right in named if lacks(self.meters[pce], account.id, right)]
        if not missing:
            return
        self.stop_if_left()
        guessed: dict[str, str] = {}
        if unknown := [pce for pce, right in missing if not right]:
            claims = {claim.pce: claim.right for claim in self._former_claims(account) if claim.pce in unknown}
            found = self.look(unknown)
            guessed = {
                pce: konnector_right(document, found.meters[pce], found.rights) for pce in {*unknown} - {*claims}
            }
            missing += [*claims.items(), *guessed.items()]
        for pce, right in missing:
            if right:
                self.look_at_other(pce)
                self.bring(pce, right, "konnector", chosen=pce in guessed)
                if not account.needs_grant:
                    self._spent = account  # a former consent's token must not pass for a new one later

    def _former_claims(self, account: Account) -> tuple[Claim, ...]:
        """Return what the konnector's ``id_token`` names. It may be years old: what counts is that GRDF signed it."""
        token = account.grant
        if not isinstance(token, IdToken):
            return ()
        try:
            return self.client.oauth.claims_of(token.token, account=account.id, nonce=token.nonce, ever=True)
        except FailNow:
            return ()

    def _bring_grant(self, document: Document, account: Account) -> None:
        """Turn the account's grant into rights, and remove it once they are in the ledger."""
        in_time = Connected.moment(document) is not None  # our page has checked its age, and this run may be late
        self.stop_if_left()
        try:
            token = self._exchanged(account)
            claims = self.client.oauth.claims_of(token.token, account=account.id, nonce=token.nonce, ever=in_time)
        except FailNow as error:
            # One that a wrong setting refuses stays until that is corrected.
            if isinstance(error, GrantRefused) or (isinstance(error, IdTokenRefused) and error.expired):
                self._change_grant(account, lambda stored: without_grant(stored, token=True))
            raise
        taken: MeterTaken | None = None
        for pce, right in claims:
            try:
                self.bring(pce, right, "client_connect")
            except MeterTaken as error:
                taken = error
        self._spent = replace(account, grant=token)
        if taken:
            raise taken

    def _exchanged(self, account: Account) -> IdToken:
        """Return the ``id_token`` of the account's grant, not yet verified. A code is used up by that."""
        grant, oauth = account.grant, self.client.oauth
        assert grant
        if isinstance(grant, IdToken):
            return grant
        token = IdToken(oauth.exchange_code(grant.code, grant.redirect_uri, account=account.id), grant.nonce)
        self._change_grant(account, lambda stored: with_id_token(stored, token))
        return token

    def _change_grant(self, account: Account, change: Callable[[Document], Document]) -> None:
        """Change the account's grant, unless a newer one is there."""
        self.accounts.update(account.id, lambda stored: change(stored) if _has(stored, account) else stored)

    def _look_at_unseen(self, document: Document, *, closed: bool) -> None:
        """Ask GRDF for the account's rights that it has not shown yet: nothing is read under them before.

        :param closed: whether to ask also about meters that may not be read
        """
        unseen = [pce for pce, meter in self.meters.items() if any(map(_is_unseen, meter.of(self.account)))]
        for pce in unseen:
            self.look_at_other(pce)
        if closed:
            unseen += [each.pce for each in self.ledger.held(document, self.meters) if not each.is_open]
        if unseen:
            self.look(unseen)


def lacks(meter: Meter, account: str, right: str) -> bool:
    """Return whether the ledger lacks a right that an account's document names.

    :param right: GRDF's id of the right; ``""`` if the document names the meter alone
    """
    return not any(each.id == right and each.account for each in meter.rights) if right else not meter.of(account)


def _has(document: Document, account: Account) -> bool:
    """Return whether an account still has this grant, and no newer one."""
    return Account.from_document(document).grant == account.grant


def _is_unseen(right: Right) -> bool:
    return right.state in ("asked", "active") and not right.was_active
