"""Takes in an account: what its document asks for becomes rights in the ledger, and the ledger decides.

Intents are a grant of Client Connect, a named right, and a declaration, whichever program wrote them. Safe to repeat
and to kill: the ledger knows what is done. To declare is to look, then to ask.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.rights_ledger import Event, Ledger, claimant_now
from grdf.ledger.rights_query import RightsFound, query_rights
from grdf.quota.call_terms import DAILY, Terms
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import Account, check_not_leaving
from include.gas.account.declaration import Declaration, checked_declaration, with_refusal
from include.gas.account.declared_right import declaration_request, is_other_household, wanted_right
from include.gas.account.grant import Grant, with_id_token, without_grant
from include.gas.account.marks import ConnectedMark
from include.gas.account.state import with_error
from include.gas.account.status import named_meters, remembered_rights
from include.gas.answers.id_token import Claim
from include.gas.answers.refusals import no_declaration_error
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    DeclarationRefused,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    IdTokenUnusable,
    MeterTaken,
    QuotaWait,
    RetryLater,
    RightExists,
    StoreBusy,
)
from include.gas.konnector.konnector_right import find_konnector_right
from include.gas.leaving.deletion import household_left_error, left_accounts
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Way, find_lasting_right
from include.gas.rights.transitions import (
    DeclarationUnderWay,
    OwnedByAnother,
    add_declaration,
    assign_right,
    drop_declaration,
    set_right_id,
)

log = logging.getLogger(__name__)

ASKED_EARLY = timedelta(days=1)
"""For how long a declaration is tried while another right stands; it is tried again after its end."""


class AccountIntake:
    """Takes in one account. ``meters`` are those read or changed so far."""

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account: str, terms: Terms = DAILY) -> None:
        self.account, self.client, self.terms = account, adict, terms
        self.ledger, self.accounts = Ledger(couchdb), AccountStore(couchdb)
        self.meters: dict[str, Meter] = {}
        self._couchdb = couchdb
        self._used_grant: Account | None = None
        """The account as it was, if its grant is in the ledger, or of no use."""

    def process_account(self, *, asks: bool = False) -> Document:
        """Let the ledger decide on all that the account's document asks for, and return the document as stored.

        :param asks: whether to ask GRDF also about meters that may not be read, for a person who knows better
        :raises MeterTaken: if another account has a right of it
        :raises DeclarationRefused: if GRDF refuses the declaration, or a person must correct it
        :raises HouseholdHasLeft: if a restored backup has brought the account back
        :raises FailNow: if its grant cannot be used
        :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
        """
        document = self.accounts.read_document(self.account)
        account = Account.from_document(document)
        check_not_leaving(document)
        try:
            if not (account.meters or account.grant or account.declares or account.refused):
                raise GrantRefused.about(
                    account.id, "no meter is known, and there is neither a usable id_token nor a code to learn it from"
                )
            self.assign_named_rights(document, account)
            if account.needs_grant:
                self._use_grant(document, account)
            if account.declares and not account.refused:
                self.declare_right(document)
            self._query_unseen_rights(document, asks=asks)
        except FailNow as error:
            self._save_outcome(document, error)
            raise
        except RetryLater:
            if self.meters:
                self._save_outcome(document)
            raise
        return self._save_outcome(document)

    def _save_outcome(self, known: Document, error: FailNow | None = None) -> Document:
        """Write to the account what the ledger has of its meters, and the error that a person must know."""
        now = datetime.now(UTC)

        def change(document: Document) -> Document:
            if self._used_grant is not None and _has_grant(document, self._used_grant):
                document = without_grant(document)
            changed = self.ledger.settle_account(document, self.meters.values())
            if error is None or error.state is None:
                return changed
            reads = any(each.is_open for each in Account.from_document(changed).meters)
            if reads and isinstance(error, IdTokenUnusable):
                return changed  # its rights are in force: nobody has to connect again
            if isinstance(error, DeclarationRefused):
                changed = with_refusal(changed, str(error), now, error.reason)
            return with_error(changed, error, since=now, partial=reads)

        return self.accounts.update(self.account, change, known=known)

    def assign_named_rights(self, document: Document, account: Account) -> None:
        """Bring named rights that the ledger lacks; ``MeterTaken`` or ``HouseholdHasLeft`` if the account may not."""
        named = remembered_rights(document, account.id)
        self.meters |= self.ledger.fetch_meters(pce for pce, _ in named)
        missing = [(pce, right) for pce, right in named if lacks_right(self.meters[pce], account.id, right)]
        if not missing:
            return
        self.check_household_stays()
        guessed: dict[str, str] = {}
        if unknown := {pce for pce, right in missing if not right}:
            claims = {pce: right for pce, right in self._former_claims(account) if pce in unknown}
            found = self.query_rights(unknown)
            guessed = {
                pce: find_konnector_right(document, found.meters[pce], found.rights) for pce in unknown - {*claims}
            }
            missing += [*claims.items(), *guessed.items()]
        for pce, right in missing:
            if right:
                self.query_other_account(pce)
                self.assign_right(pce, right, "konnector", chosen=pce in guessed)
                if not account.needs_grant:
                    self._used_grant = account  # a former consent's token must not pass for a new one

    def _former_claims(self, account: Account) -> tuple[Claim, ...]:
        """Return what the konnector's ``id_token`` names. It may be years old: GRDF's signature counts."""
        grant = account.grant
        with suppress(FailNow):
            if grant and grant.token:
                return self.client.oauth.verify_claims(grant.token, account=account.id, nonce=grant.nonce, ever=True)
        return ()

    def _use_grant(self, document: Document, account: Account) -> None:
        """Turn the account's grant into rights, and remove it once they are in the ledger."""
        in_time = ConnectedMark.read_moment(document) is not None  # our page has checked its age
        self.check_household_stays()
        grant, oauth = account.grant, self.client.oauth
        assert grant
        try:
            if grant.code:  # works once
                sent = oauth.exchange_code(grant.code, grant.redirect_uri, account=account.id)
                grant = token = Grant(sent, nonce=grant.nonce)
                self.accounts.update(
                    account.id, lambda stored: with_id_token(stored, token) if _has_grant(stored, account) else stored
                )
            claims = oauth.verify_claims(grant.token, account=account.id, nonce=grant.nonce, ever=in_time)
        except FailNow as error:
            # One refused by a wrong setting stays until that is corrected.
            if isinstance(error, GrantRefused) or (isinstance(error, IdTokenRefused) and error.unusable):
                self._used_grant = replace(account, grant=grant)
            raise
        taken: MeterTaken | None = None
        for pce, right in claims:
            try:
                self.assign_right(pce, right, "client_connect")
            except MeterTaken as error:
                taken = error
        self._used_grant = replace(account, grant=grant)
        if taken:
            raise taken

    def _query_unseen_rights(self, document: Document, *, asks: bool) -> None:
        """Ask GRDF for rights that it has not shown yet, also to meters that may not be read if ``asks``."""
        of_account = [(pce, right) for pce, meter in self.meters.items() for right in meter.rights_of(self.account)]
        unseen = {pce for pce, right in of_account if right.state in ("asked", "active") and not right.was_active}
        for pce in unseen:
            self.query_other_account(pce)
        if asks:
            unseen |= {each.pce for each in self.ledger.access_of(document, self.meters) if not each.is_open}
        if unseen:
            self.query_rights(unseen)

    # -- what GRDF is asked, and what the ledger decides ---------------------------------------------------------------

    def read_meter(self, pce: str) -> Meter:
        """Return a meter, as it was read last."""
        return self.meters.get(pce) or self.ledger.fetch_meters([pce])[pce]

    def assign_right(self, pce: str, right: str, way: Way, *, chosen: bool = False) -> None:
        """Bring a right (:func:`~include.gas.rights.transitions.assign_right`); ``MeterTaken`` if another has it."""
        who = claimant_now(self.account, self.client.grdf_conn_id)
        self._apply(pce, lambda meter: assign_right(meter, who, right, way, chosen=chosen))

    def _apply(self, pce: str, event: Event) -> None:
        """Apply an event to a meter; ``MeterTaken`` if another account has it, or its right."""
        try:
            self.meters[pce] = self.ledger.apply(pce, event)
        except OwnedByAnother:
            raise MeterTaken.about(
                self.account,
                f"its meter {meter_tag(self.account, pce)} belongs to another account, whose consent stands or waits",
                "Nothing was changed for that meter. Anybody who may see the other account finds it in Gas accounts by "
                "the meter's number. If it is the same household's, keep that account, or delete it first. If both are "
                "to be read, set [grdf] meter_in_several_accounts.",
            ) from None

    def query_rights(self, pces: Iterable[str]) -> RightsFound:
        """Ask GRDF about some meters, and note its answer."""
        found = query_rights(self.ledger, self.client, list(pces), account=self.account, terms=self.terms)
        self.meters |= found.meters
        return found

    def adopt_declared_right(self, given: Declaration, found: RightsFound, *, chosen: bool = True) -> None:
        """Take up an unclaimed right that was declared for this very holder.

        It may be the account's own, without an answer so far. One given on GRDF's site does not count: anyone
        who knows name and address could be faster than its account.

        :raises MeterTaken: if another account has it
        """
        free = {
            right.id for right in self.read_meter(given.pce).rights_of("") if right.client == self.client.grdf_conn_id
        }
        for line in found.rights:
            is_declared = line.id in free and line.pce == given.pce and line.is_live and not line.made_on_site
            if is_declared and line.is_held_by(given.holder, given.email):
                self.assign_right(given.pce, line.id, "declared", chosen=chosen)
                self._apply(given.pce, lambda meter: drop_declaration(meter, self.account))

    def query_other_account(self, pce: str) -> None:
        """Ask GRDF whether the account that has a meter still does. If its client cannot be asked, it does."""
        if settings.meter_in_several_accounts():
            return
        for client in {
            right.client
            for right in self.read_meter(pce).rights_of_others(self.account, paris_today(datetime.now(UTC)))
        }:
            try:
                found = query_rights(
                    self.ledger, self.client.for_connection(client), [pce], account=self.account, terms=self.terms
                )
                self.meters |= found.meters
            except (BadSettings, CredentialsRefused, QuotaWait) as error:
                log.warning("Account %s: GRDF cannot be asked about the other account. %s", self.account, error)

    def check_household_stays(self) -> None:
        """Raise ``HouseholdHasLeft`` if a backup has brought a deleted account back: ids are not used twice."""
        if left := left_accounts(self._couchdb.range(AUDIT, *account_range(self.account))).get(self.account):
            raise household_left_error(self.account, left)

    # -- declaring -----------------------------------------------------------------------------------------------------

    def declare_right(self, document: Mapping[str, Any]) -> None:
        """Make sure that GRDF has the declared right, unless another account has the meter.

        :raises DeclarationRefused: if GRDF refuses it, or a person must correct it
        :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
        """
        self.check_household_stays()
        given, now = checked_declaration(document), datetime.now(UTC)
        today = paris_today(now)
        meter = self.read_meter(given.pce)
        goes_on = any(right.is_ongoing(today) or right.is_in_force(today) for right in meter.rights_of(self.account))
        is_taken = not settings.meter_in_several_accounts() and meter.rights_of_others(self.account, today)
        if (goes_on or is_taken) and given.entered_at and given.entered_at < utc_text(now - ASKED_EARLY):
            return  # GRDF takes no other right before that one ends
        found = self.query_rights([given.pce, *(pce for pce, _ in named_meters(document, self.account))])
        known = [right.id for meter in found.meters.values() for right in meter.rights_of(self.account) if right.id]
        if is_other_household(found.rights, known, given):
            raise DeclarationRefused.about(
                self.account,
                "another household is or was connected under this account; give this one an account of its own",
                "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete "
                "the account first.",
                reason=DeclarationRefused.ANOTHER,
            )
        with suppress(MeterTaken):  # it then waits, by the ledger
            self.adopt_declared_right(given, found)
            if find_lasting_right(self.read_meter(given.pce), self.account, wanted_right(given), today) is None:
                self._send_declaration(given, today)

    def _send_declaration(self, given: Declaration, today: date) -> None:
        who, pce, wanted = claimant_now(self.account, self.client.grdf_conn_id), given.pce, wanted_right(given)

        def declare(meter: Meter) -> Meter:
            if find_lasting_right(meter, self.account, wanted, today):  # since it was looked for
                raise DeclarationUnderWay
            return add_declaration(meter, who, wanted)

        self.query_other_account(pce)
        try:
            self._apply(pce, declare)
        except DeclarationUnderWay:
            raise StoreBusy.about(self.account, "its right is being declared by another task") from None
        check_not_leaving(self.accounts.read_document(self.account))
        try:
            right_id, waits = self.client.declare_right(
                pce, declaration_request(given, today), account=self.account, terms=self.terms
            )
        except RightExists as error:
            self._resolve_existing_right(given, error)
            return
        except (RetryLater, FailNow):  # if GRDF has taken it all the same, the next look shows it
            self._apply(pce, lambda meter: drop_declaration(meter, self.account))
            raise
        if right_id:
            self._apply(pce, lambda meter: set_right_id(meter, who, right_id))
        if not (right_id and waits):
            self.adopt_declared_right(given, self.query_rights([pce]))
        if not right_id and find_lasting_right(self.read_meter(pce), self.account, wanted, today) is None:
            self._apply(pce, lambda meter: drop_declaration(meter, self.account))
            raise no_declaration_error(self.account, f"the right to read meter {meter_tag(self.account, pce)}")
        log.info("Account %s: the right to read meter %s is declared.", self.account, meter_tag(self.account, pce))

    def _resolve_existing_right(self, given: Declaration, error: RightExists) -> None:
        """Resolve that GRDF already has a right to the meter: the account's own, which it takes up, or another's."""
        pce = given.pce
        self.adopt_declared_right(given, self.query_rights([pce]))
        self._apply(pce, lambda meter: drop_declaration(meter, self.account))
        # One that is over, and that GRDF still shows as active, is its own all the same.
        mine = [right for right in self.read_meter(pce).rights_of(self.account) if right.state in ("waiting", "active")]
        if not mine:
            raise DeclarationRefused.about(
                self.account,
                f"{error.cause}, and no account has it",
                "Nothing was declared. If it is known to be this household's, start grdf_consents with this account, "
                "which gives it the right once it is in force. If it may be somebody's who has moved out, ask GRDF to "
                "revoke it, then start a run of this account's DAG.",
                reason=DeclarationRefused.EXISTS,
            )
        log.info(
            "Account %s: its right to meter %s still stands, and GRDF takes no other before %s. It is declared again "
            "by itself then.", self.account, meter_tag(self.account, pce), mine[-1].replaceable_on or "its end",
        )  # fmt: skip


def lacks_right(meter: Meter, account: str, right: str) -> bool:
    """Return whether the ledger lacks a right, or any to the meter for ``""``, that an account's document names."""
    return (
        not any(each.id == right and each.account for each in meter.rights) if right else not meter.rights_of(account)
    )


def _has_grant(document: Document, account: Account) -> bool:
    return Account.from_document(document).grant == account.grant
