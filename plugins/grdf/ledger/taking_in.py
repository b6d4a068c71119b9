"""Taking in an account: what its document asks for becomes rights in the ledger, and the ledger decides.

The intents are a grant of Client Connect, a right that the document names, and a declaration. Whoever writes one (the
page, an import, cozy-stack, another program) leaves the rest to this. It may be repeated and killed at any point: the
ledger says what is done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.looking import Look, look
from grdf.ledger.meters import Event, Ledger, asking
from grdf.quota.terms import DAILY, Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.account_state import settle
from include.gas.account.declaration_check import to_declare
from include.gas.account.declaring import is_of_another, is_of_holder, request_of, terms_of
from include.gas.account.grant import Code, IdToken, with_id_token, without_grant
from include.gas.account.own_meters import named_in, without_tokens
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import (
    Declaration,
    is_refused,
    names_person,
    with_refused,
    without_person,
    without_refusal,
)
from include.gas.account.state import with_error
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.claims import Claim
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    DeclarationRefused,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    MeterTaken,
    QuotaWait,
    RefusalUnexplained,
    RetryLater,
    RightExists,
    StoreBusy,
)
from include.gas.konnector.konnector_right import konnector_right
from include.gas.leaving.deletion_record import all_left, left_error
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Way
from include.gas.rights.transitions import Taken, UnderWay, answered, asked, brought, lasting, lost, refused

log = logging.getLogger(__name__)

Document = dict[str, Any]

ASKED_EARLY = timedelta(days=1)
"""For how long a renewal is tried while the old right goes on. It is tried again once that has ended."""


class TakingIn:
    """Takes in one account.

    :param adict: the hook for the account's client, which leads to the others
    :param terms: how the calls wait for GRDF's quota
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account_id: str, terms: Terms = DAILY) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._ledger = Ledger(couchdb)
        self._adict = adict
        self._account = account_id
        self._terms = terms
        self._meters: dict[str, Meter] = {}
        self._spent: Account | None = None
        """The account as it was, if its grant is in the ledger."""
        self._seen: dict[str, AccessRight] = {}
        """What GRDF has shown on the way, by its id of the right."""

    def take_in(self, *, declares: bool = True, asks: bool = False) -> Document:
        """Let the ledger decide on all that the account's document asks for, and write what came of it.

        :param declares: whether a declaration is sent that GRDF has refused before
        :param asks: whether GRDF is also asked about meters that may not be read: a person thinks that they may
        :return: the document as it is stored then
        :raises MeterTaken: if another account has a right of it, or the meter that is to be declared
        :raises DeclarationRefused: if GRDF refuses the declaration, or somebody has to correct it
        :raises LeftBefore: if its household has left, and a restored backup has brought the account back
        :raises FailNow: if its grant cannot be used
        :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
        """
        document = self._accounts.document(self._account)
        account = Account.from_document(document)
        stop_if_leaving(account)
        try:
            if not (account.meters or account.declares or account.refused):
                account.required_grant()
            self._bring_named(document, account)
            if account.needs_grant:
                self._bring_grant(document, account)
            if account.declares and (declares or not account.refused):
                self._declare(document)
            self._look_at_unseen(document, closed=asks)
        except FailNow as error:
            self.settle(error)
            raise
        except RetryLater:
            if self._meters:
                self.settle()
            raise
        return self.settle()

    def settle(self, error: FailNow | None = None) -> Document:
        """Write to the account what the ledger says of its meters.

        :param error: what a person must know of this try
        """
        now = datetime.now(UTC)

        def change(document: Document) -> Document:
            if self._spent is not None and _has(document, self._spent):
                document = without_tokens(document)
            changed = settled(self._ledger, document, self._meters.values())
            if error is None or error.state is None:
                return changed
            reads = any(each.is_open for each in Account.from_document(changed).meters)
            if isinstance(error, DeclarationRefused | MeterTaken):
                changed = with_refused(changed, str(error), now, error.reason)
            return with_error(changed, error, since=now, partial=reads)

        document = self._accounts.update(self._account, change)
        if is_refused(document):
            form = Connected.record_of(document).rpartition(":")[2]
            HouseholdLinks(self._couchdb).give_back(self._account, form)
        return document

    # -- rights that the account brings ------------------------------------------------------------------------------

    def bring_named(self) -> dict[str, Meter]:
        """Bring the rights that the document names and the ledger lacks, as after a restore. Return their meters.

        :raises MeterTaken: if another account has one of them
        :raises RetryLater: if GRDF or CouchDB does not answer
        """
        document = self._accounts.document(self._account)
        account = Account.from_document(document)
        stop_if_leaving(account)
        self._bring_named(document, account)
        return self._meters

    def _bring_named(self, document: Document, account: Account) -> None:
        """Bring the rights that the document names and the ledger lacks: the konnector's, or those of a lost ledger."""
        named = named_in(document, account.id)
        self._meters |= self._ledger.fetch(pce for pce, _ in named)
        missing = [(pce, right) for pce, right in named if lacks(self._meters[pce], account.id, right)]
        if not missing:
            return
        self._stop_if_left()
        guessed: dict[str, str] = {}
        if unknown := [pce for pce, right in missing if not right]:
            claims = {claim.pce: claim.right for claim in self._former_claims(account) if claim.pce in unknown}
            found = self._look(unknown)
            guessed = {
                pce: konnector_right(document, found.meters[pce], found.rights) for pce in {*unknown} - {*claims}
            }
            missing += [*claims.items(), *guessed.items()]
        for pce, right in missing:
            if right:
                self._look_at_other(pce)
                self._bring(pce, right, "konnector", chosen=pce in guessed)
                if not (account.needs_grant or account.reconnected):
                    self._spent = account  # a former consent's token must not pass for a new one later

    def _former_claims(self, account: Account) -> tuple[Claim, ...]:
        """Return what the konnector's ``id_token`` names. It may be years old: what counts is that GRDF signed it."""
        token = account.grant
        if not isinstance(token, IdToken):
            return ()
        try:
            return self._adict.oauth.claims_of(token.token, account=account.id, nonce=token.nonce, ever=True)
        except FailNow:
            return ()

    def _bring_grant(self, document: Document, account: Account) -> None:
        """Turn the account's grant into rights, and remove it once they are in the ledger."""
        in_time = Connected.moment(document) is not None  # our page has checked its age, and this run may be late
        self._stop_if_left()
        try:
            token = exchanged(self._adict.oauth, account)
            if isinstance(account.grant, Code):  # it is used up: a later try needs its id_token
                self._accounts.update(
                    account.id, lambda stored: with_id_token(stored, token) if _has(stored, account) else stored
                )
            claims = claims_of(self._adict.oauth, token, account.id, ever=in_time)
        except FailNow as error:
            self._forget_grant(account, error)
            raise
        taken: MeterTaken | None = None
        for pce, right in claims:
            try:
                self._bring(pce, right, "client_connect")
            except MeterTaken as error:
                taken = error
        self._spent = replace(account, grant=token)
        if taken:
            raise taken

    def _forget_grant(self, account: Account, error: FailNow) -> None:
        """Remove a grant that can never be used. One that a wrong setting refuses stays until that is corrected."""
        useless = isinstance(error, GrantRefused) or (isinstance(error, IdTokenRefused) and error.expired)
        if useless:
            self._accounts.update(
                account.id, lambda stored: without_grant(stored, token=True) if _has(stored, account) else stored
            )

    def _bring(self, pce: str, right: str, way: Way, *, chosen: bool = False) -> None:
        who = asking(self._account, self._adict.grdf_conn_id)
        self._apply(pce, lambda meter: brought(meter, who, right, way, chosen=chosen))

    def _apply(self, pce: str, event: Event) -> None:
        """Let something happen to a meter.

        :raises MeterTaken: if another account has it, or its right
        """
        try:
            self._meters[pce] = self._ledger.apply(pce, event)
        except Taken:
            raise self._meter_taken(pce) from None

    def _meter_taken(self, pce: str) -> MeterTaken:
        return MeterTaken.about(
            self._account,
            f"its meter {meter_tag(self._account, pce)} belongs to another account, whose consent stands",
            "Nothing was changed for that meter. Anybody who may see the other account finds it in Gas accounts by the "
            "meter's number. If it is the same household's, keep that account, or delete it first. If both are to be "
            "read, set [grdf] meter_in_several_accounts. Then let this household connect again.",
        )

    def _look_at_other(self, pce: str) -> None:
        """Ask GRDF whether the account that has a meter still does. If its client cannot be asked, it has."""
        meter, today = self._meter(pce), paris_today(datetime.now(UTC))
        if settings.meter_in_several_accounts() or not (holder := meter.other_holder(self._account, today)):
            return
        for client in {right.client for right in meter.of(holder)}:
            try:
                found = look(self._ledger, self._adict.named(client), [pce], account=self._account, terms=self._terms)
                self._meters |= found.meters
            except (BadSettings, CredentialsRefused, QuotaWait) as error:
                log.warning("Account %s: GRDF cannot be asked about the other account. %s", self._account, error)

    # -- a right that we declare -------------------------------------------------------------------------------------

    def _declare(self, document: Document) -> None:
        """Make sure that GRDF has the right that the document asks for: look, then ask."""
        self._stop_if_left()
        given = to_declare(document)
        today, terms = paris_today(datetime.now(UTC)), terms_of(given)
        goes_on = any(right.goes_on(today) for right in self._meter(given.pce).of(self._account))
        if goes_on and given.entered_at and given.entered_at < utc_text(datetime.now(UTC) - ASKED_EARLY):
            return  # GRDF was asked, and takes no other right before this one ends
        found = self._look([given.pce, *(pce for pce, _ in named_in(document, self._account))], given)
        self._stop_if_another(given, found)
        self._take_up(given, found)
        if lasting(self._meter(given.pce), self._account, terms, today) is None:
            self._put(given, today)

    def _put(self, given: Declaration, today: Any) -> None:
        who, tag = asking(self._account, self._adict.grdf_conn_id), meter_tag(self._account, given.pce)
        self._look_at_other(given.pce)
        try:
            self._apply(given.pce, lambda meter: asked(meter, who, terms_of(given)))
        except UnderWay:
            raise StoreBusy.about(self._account, "its right is being declared by another task") from None
        document = self._accounts.update(self._account, without_refusal)
        stop_if_leaving(Account.from_document(document))
        try:
            right = self._adict.declare(given.pce, request_of(given, today), account=self._account, terms=self._terms)
        except RightExists as error:
            self._settle_existing(given, error)
            return
        except (RetryLater, RefusalUnexplained) as error:  # GRDF may have taken it: the next look tells
            sent = not isinstance(error, QuotaWait)
            self._apply(given.pce, lambda meter: lost(meter, who) if sent else refused(meter, who.account))
            raise
        except FailNow:
            self._apply(given.pce, lambda meter: refused(meter, self._account))
            raise
        if right.id:
            self._apply(given.pce, lambda meter: answered(meter, who, right.id))
        if not (right.id and right.waits):
            self._look([given.pce], given)
        log.info("Account %s: the right to read meter %s is declared.", self._account, tag)

    def _settle_existing(self, given: Declaration, error: RightExists) -> None:
        """GRDF has a right to the meter already: the account's own, which it takes up, or somebody else's."""
        found = self._look([given.pce], given)
        self._take_up(given, found)
        self._apply(given.pce, lambda meter: refused(meter, self._account))
        # One that is over, and that GRDF still shows as active, is its own all the same.
        mine = [right for right in self._meter(given.pce).of(self._account) if right.state in ("waiting", "active")]
        if not mine:
            raise DeclarationRefused.about(
                self._account,
                f"{error.cause}, and no account has it",
                "Nothing was declared. If it is known to be this household's, start grdf_consents with this account, "
                "which gives it the right once it is in force. If it may be somebody's who has moved out, ask GRDF to "
                "revoke it, then start a run of this account's DAG.",
                reason=DeclarationRefused.EXISTS,
            )
        log.info(
            "Account %s: its right to meter %s ends on %s, and GRDF takes no other before. It is declared again by "
            "itself then.", self._account, meter_tag(self._account, given.pce), mine[-1].over_on,
        )  # fmt: skip

    def _take_up(self, given: Declaration, found: Look) -> None:
        """Take up a right that was declared for this very holder, stands at GRDF, and that no account has.

        Not one that the holder has given on GRDF's site: its account may be about to bring it, and whoever knows the
        name and the address could be faster.
        """
        free = {right.id for right in self._meter(given.pce).of("") if right.client == self._adict.grdf_conn_id}
        for right in found.rights:
            if (
                right.id in free
                and right.pce == given.pce
                and right.stands
                and not right.made_on_site
                and is_of_holder(right, given)
            ):
                self._bring(given.pce, right.id, "declared", chosen=True)

    def _stop_if_another(self, given: Declaration, found: Look) -> None:
        own = [right.id for meter in found.meters.values() for right in meter.of(self._account) if right.id]
        if is_of_another(found.rights, own, given):
            raise DeclarationRefused.about(
                self._account,
                "another household is or was connected under this account; give this one an account of its own",
                "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete "
                "the account first.",
                reason=DeclarationRefused.ANOTHER,
            )
        for right in () if settings.meter_in_several_accounts() else self._meter(given.pce).rights:
            line = self._seen.get(right.id)
            if right.account not in ("", self._account) and line and line.stands and is_of_holder(line, given):
                raise self._meter_taken(given.pce)

    # -- questions ---------------------------------------------------------------------------------------------------

    def _look_at_unseen(self, document: Document, *, closed: bool) -> None:
        """Ask GRDF for the account's rights that it has not shown yet: nothing is read under them before.

        :param closed: whether to ask also about meters that may not be read
        """
        unseen = [pce for pce, meter in self._meters.items() if any(map(_is_unseen, meter.of(self._account)))]
        for pce in unseen:
            self._look_at_other(pce)
        if closed:
            unseen += [each.pce for each in self._ledger.held(document, self._meters) if not each.is_open]
        if unseen:
            self._look(unseen)

    def _look(self, pces: Iterable[str], given: Declaration | None = None) -> Look:
        wanted: Sequence[str] = list(pces)
        declared = {given.pce: (self._account, given)} if given else None
        found = look(self._ledger, self._adict, wanted, account=self._account, declared=declared, terms=self._terms)
        self._meters |= found.meters
        self._seen |= {right.id: right for right in found.rights}
        return found

    def _meter(self, pce: str) -> Meter:
        return self._meters.get(pce) or self._ledger.fetch([pce])[pce]

    def _stop_if_left(self) -> None:
        """Raise an error if a backup has brought back who has left: account ids are not used twice."""
        if left := all_left(self._couchdb.range(AUDIT, *account_range(self._account))).get(self._account):
            raise left_error(self._account, left)


def lacks(meter: Meter, account: str, right: str) -> bool:
    """Return whether the ledger lacks a right that an account's document names.

    :param right: GRDF's id of the right; ``""`` if the document names the meter alone
    """
    return not any(each.id == right and each.account for each in meter.rights) if right else not meter.of(account)


def settled(ledger: Ledger, document: Document, meters: Iterable[Meter] = ()) -> Document:
    """Return an account's document with what the ledger says of its meters.

    Once a right that lasts is known, nobody is named any more.

    :param meters: meters that were read a moment ago, also such that the document does not name yet
    """
    now, known = datetime.now(UTC), {meter.pce: meter for meter in meters}
    given = Declaration.of(document) if names_person(document) else None
    if given is not None:
        pce = "".join(given.pce.split())
        known |= ledger.fetch([pce]) if pce and pce not in known else {}
        if pce in known and lasting(known[pce], str(document["_id"]), terms_of(given), paris_today(now)):
            document = without_person(document)
    return settle(document, ledger.held(document, known), now)


def exchanged(oauth: GrdfOAuthHook, account: Account) -> IdToken:
    """Return the ``id_token`` of an account's grant, not yet verified. Exchange the code if the grant is one.

    :param account: an account with a grant
    :raises GrantRefused: if there is no grant, or GRDF does not accept the code
    """
    grant = account.required_grant()
    if isinstance(grant, IdToken):
        return grant
    return IdToken(oauth.exchange_code(grant.code, grant.redirect_uri, account=account.id), grant.nonce)


def claims_of(oauth: GrdfOAuthHook, token: IdToken, account_id: str, *, ever: bool = False) -> tuple[Claim, ...]:
    """Verify an ``id_token`` and return the meters and rights in it.

    :param ever: whether it may have expired, an hour after the consent
    :raises IdTokenRefused: if the ``id_token`` fails its checks or names no meter
    """
    claims = oauth.claims_of(token.token, account=account_id, nonce=token.nonce, ever=ever)
    if not claims:
        raise IdTokenRefused.about(
            account_id,
            "the id_token names no meter: the household came back from GRDF without choosing one",
            "Let the household connect again and choose a meter.",
        )
    return claims


def _has(document: Document, account: Account) -> bool:
    """Return whether an account still has this grant, and no newer one."""
    return Account.from_document(document).grant == account.grant


def _is_unseen(right: Any) -> bool:
    return right.state in ("asked", "active") and not right.was_active
