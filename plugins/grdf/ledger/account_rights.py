"""The rights of one account: questions to GRDF, events in the ledger, and declaring, which is to look, then to ask."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.looking import Look, look
from grdf.ledger.meters import Event, Ledger, asking
from grdf.quota.terms import DAILY, Terms
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.declared_right import is_of_another, is_of_holder, request_of, wanted_right
from include.gas.account.own_meters import named_in
from include.gas.account.sections.rights.declaration import Declaration, to_declare, without_refusal
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    DeclarationRefused,
    FailNow,
    MeterTaken,
    QuotaWait,
    RetryLater,
    RightExists,
    StoreBusy,
)
from include.gas.leaving.deletion import all_left, left_error
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Way, lasting
from include.gas.rights.transitions import Taken, UnderWay, answered, asked, brought, refused

log = logging.getLogger(__name__)

ASKED_EARLY = timedelta(days=1)
"""For how long a renewal is tried while the old right goes on. It is tried again once that has ended."""


class AccountRights:
    """The rights of one account, in the ledger and at GRDF. ``meters`` are those that were read or changed so far.

    :param adict: the hook for the account's client, which leads to the others
    :param terms: how the calls wait for GRDF's quota
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account: str, terms: Terms = DAILY) -> None:
        self.account, self.client, self.terms = account, adict, terms
        self.ledger, self.accounts = Ledger(couchdb), AccountStore(couchdb)
        self.meters: dict[str, Meter] = {}
        self._couchdb = couchdb

    def meter(self, pce: str) -> Meter:
        """Return a meter, as it was read last."""
        return self.meters.get(pce) or self.ledger.fetch([pce])[pce]

    def bring(self, pce: str, right: str, way: Way, *, chosen: bool = False) -> None:
        """Bring a right, see :func:`include.gas.rights.transitions.brought`.

        :raises MeterTaken: if another account has it, or has the meter of one that was chosen
        """
        who = asking(self.account, self.client.grdf_conn_id)
        self._apply(pce, lambda meter: brought(meter, who, right, way, chosen=chosen))

    def look(self, pces: Iterable[str]) -> Look:
        """Ask GRDF about some meters, and note what it answers."""
        found = look(self.ledger, self.client, list(pces), account=self.account, terms=self.terms)
        self.meters |= found.meters
        return found

    def take_up(self, given: Declaration, found: Look, *, chosen: bool = True) -> None:
        """Take up a right that was declared for this very holder, stands at GRDF, and that no account has.

        It may be the account's own, whose answer did not arrive. Not one that the holder has given on GRDF's site: its
        account may be about to bring it, and whoever knows the name and the address could be faster.

        :param chosen: whether nobody else may have the meter
        :raises MeterTaken: if another account has it
        """
        free = {right.id for right in self.meter(given.pce).of("") if right.client == self.client.grdf_conn_id}
        for line in found.rights:
            is_declared = line.id in free and line.pce == given.pce and line.stands and not line.made_on_site
            if is_declared and is_of_holder(line, given):
                self.bring(given.pce, line.id, "declared", chosen=chosen)
                self._apply(given.pce, lambda meter: refused(meter, self.account))

    def look_at_other(self, pce: str) -> None:
        """Ask GRDF whether the account that has a meter still does. If its client cannot be asked, it has."""
        meter, today = self.meter(pce), paris_today(datetime.now(UTC))
        if settings.meter_in_several_accounts() or not (holder := meter.other_holder(self.account, today)):
            return
        for client in {right.client for right in meter.of(holder)}:
            try:
                found = look(self.ledger, self.client.named(client), [pce], account=self.account, terms=self.terms)
                self.meters |= found.meters
            except (BadSettings, CredentialsRefused, QuotaWait) as error:
                log.warning("Account %s: GRDF cannot be asked about the other account. %s", self.account, error)

    def stop_if_left(self) -> None:
        """Raise an error if a backup has brought back who has left: account ids are not used twice.

        :raises LeftBefore: in that case
        """
        if left := all_left(self._couchdb.range(AUDIT, *account_range(self.account))).get(self.account):
            raise left_error(self.account, left)

    def declare(self, document: Mapping[str, Any]) -> None:
        """Make sure that GRDF has the right that the account's document asks for.

        :raises DeclarationRefused: if GRDF refuses it, or somebody has to correct it
        :raises MeterTaken: if another account has the meter
        :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
        """
        self.stop_if_left()
        given, now = to_declare(document), datetime.now(UTC)
        today = paris_today(now)
        own = self.meter(given.pce).of(self.account)
        goes_on = any(right.goes_on(today) or right.is_in_force(today) for right in own)
        if goes_on and given.entered_at and given.entered_at < utc_text(now - ASKED_EARLY):
            return  # GRDF was asked, and takes no other right before this one ends
        found = self.look([given.pce, *(pce for pce, _ in named_in(document, self.account))])
        self._stop_if_another(given, found)
        self.take_up(given, found)
        if lasting(self.meter(given.pce), self.account, wanted_right(given), today) is None:
            self._put(given, today)

    def _stop_if_another(self, given: Declaration, found: Look) -> None:
        """Raise an error if the account is another household's, or another account has this household's right."""
        own = [right.id for meter in found.meters.values() for right in meter.of(self.account) if right.id]
        if is_of_another(found.rights, own, given):
            raise DeclarationRefused.about(
                self.account,
                "another household is or was connected under this account; give this one an account of its own",
                "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete "
                "the account first.",
                reason=DeclarationRefused.ANOTHER,
            )
        of_holder = {line.id for line in found.rights if line.stands and is_of_holder(line, given)}
        others = [right for right in self.meter(given.pce).rights if right.account not in ("", self.account)]
        if not settings.meter_in_several_accounts() and any(right.id in of_holder for right in others):
            raise self._meter_taken(given.pce)

    def _put(self, given: Declaration, today: date) -> None:
        who, pce = asking(self.account, self.client.grdf_conn_id), given.pce
        self.look_at_other(pce)
        try:
            self._apply(pce, lambda meter: asked(meter, who, wanted_right(given)))
        except UnderWay:
            raise StoreBusy.about(self.account, "its right is being declared by another task") from None
        self.accounts.note(self.account, without_refusal)
        try:
            right_id = self.client.declare(pce, request_of(given, today), account=self.account, terms=self.terms)
        except RightExists as error:
            self._settle_existing(given, error)
            return
        except (RetryLater, FailNow):  # if GRDF has taken it all the same, the next look shows it
            self._apply(pce, lambda meter: refused(meter, self.account))
            raise
        if right_id:
            self._apply(pce, lambda meter: answered(meter, who, right_id))
        else:
            self.take_up(given, self.look([pce]))
        log.info("Account %s: the right to read meter %s is declared.", self.account, meter_tag(self.account, pce))

    def _settle_existing(self, given: Declaration, error: RightExists) -> None:
        """GRDF has a right to the meter already: the account's own, which it takes up, or somebody else's."""
        pce = given.pce
        self.take_up(given, self.look([pce]))
        self._apply(pce, lambda meter: refused(meter, self.account))
        # One that is over, and that GRDF still shows as active, is its own all the same.
        mine = [right for right in self.meter(pce).of(self.account) if right.state in ("waiting", "active")]
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
            "Account %s: its right to meter %s ends on %s, and GRDF takes no other before. It is declared again by "
            "itself then.", self.account, meter_tag(self.account, pce), mine[-1].free_on,
        )  # fmt: skip

    def _apply(self, pce: str, event: Event) -> None:
        """Let something happen to a meter.

        :raises MeterTaken: if another account has it, or its right
        """
        try:
            self.meters[pce] = self.ledger.apply(pce, event)
        except Taken:
            raise self._meter_taken(pce) from None

    def _meter_taken(self, pce: str) -> MeterTaken:
        return MeterTaken.about(
            self.account,
            f"its meter {meter_tag(self.account, pce)} belongs to another account, whose consent stands",
            "Nothing was changed for that meter. Anybody who may see the other account finds it in Gas accounts by the "
            "meter's number. If it is the same household's, keep that account, or delete it first. If both are to be "
            "read, set [grdf] meter_in_several_accounts. Then let this household connect again.",
        )
