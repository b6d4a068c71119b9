"""What one account does to its meters: questions to GRDF, and events in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.looking import Look, look
from grdf.ledger.meters import Event, Ledger, asking
from grdf.quota.terms import DAILY, Terms
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import BadSettings, CredentialsRefused, MeterTaken, QuotaWait
from include.gas.leaving.deletion_record import all_left, left_error
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Way
from include.gas.rights.transitions import Asking, Taken, brought

log = logging.getLogger(__name__)


class AccountRights:
    """The rights of one account, in the ledger and at GRDF.

    ``meters`` are those that were read or changed so far, ``seen`` what GRDF has shown, by its id of the right.

    :param adict: the hook for the account's client, which leads to the others
    :param terms: how the calls wait for GRDF's quota
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account: str, terms: Terms = DAILY) -> None:
        self.account, self.client, self.terms = account, adict, terms
        self.ledger = Ledger(couchdb)
        self.meters: dict[str, Meter] = {}
        self.seen: dict[str, AccessRight] = {}
        self._couchdb = couchdb

    def asking(self) -> Asking:
        """Return that the account asks for a meter now."""
        return asking(self.account, self.client.grdf_conn_id)

    def meter(self, pce: str) -> Meter:
        """Return a meter, as it was read last."""
        return self.meters.get(pce) or self.ledger.fetch([pce])[pce]

    def apply(self, pce: str, event: Event) -> None:
        """Let something happen to a meter.

        :raises MeterTaken: if another account has it, or its right
        """
        try:
            self.meters[pce] = self.ledger.apply(pce, event)
        except Taken:
            raise self.meter_taken(pce) from None

    def bring(self, pce: str, right: str, way: Way, *, chosen: bool = False) -> None:
        """Bring a right, see :func:`include.gas.rights.transitions.brought`.

        :raises MeterTaken: if another account has it, or has the meter of one that was chosen
        """
        who = self.asking()
        self.apply(pce, lambda meter: brought(meter, who, right, way, chosen=chosen))

    def look(self, pces: Iterable[str], given: Declaration | None = None) -> Look:
        """Ask GRDF about some meters, and note what it answers.

        :param given: what is or was to be declared for one of them
        :raises GasError: if GRDF does not answer
        """
        declared = {given.pce: (self.account, given)} if given else None
        found = look(self.ledger, self.client, list(pces), account=self.account, declared=declared, terms=self.terms)
        self.meters |= found.meters
        self.seen |= {right.id: right for right in found.rights}
        return found

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

    def meter_taken(self, pce: str) -> MeterTaken:
        """Return the error that another account has a meter."""
        return MeterTaken.about(
            self.account,
            f"its meter {meter_tag(self.account, pce)} belongs to another account, whose consent stands",
            "Nothing was changed for that meter. Anybody who may see the other account finds it in Gas accounts by the "
            "meter's number. If it is the same household's, keep that account, or delete it first. If both are to be "
            "read, set [grdf] meter_in_several_accounts. Then let this household connect again.",
        )

    def stop_if_left(self) -> None:
        """Raise an error if a backup has brought back who has left: account ids are not used twice.

        :raises LeftBefore: in that case
        """
        if left := all_left(self._couchdb.range(AUDIT, *account_range(self.account))).get(self.account):
            raise left_error(self.account, left)
