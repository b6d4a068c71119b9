"""Gives unclaimed rights to accounts, by GRDF's list or a person's word. The ledger decides who has the meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from grdf.ledger.rights_ledger import Ledger, claimant_now
from grdf.ledger.rights_query import query_rights
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import ACCOUNT_TYPE, check_not_leaving
from include.gas.account.client import with_client
from include.gas.account.declaration import Declaration
from include.gas.account.marks import ConnectedMark
from include.gas.account.status import named_meters
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import BadRequest
from include.gas.importing.right_adoption import TAKEN, ids_of
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Right
from include.gas.rights.transitions import OwnedByAnother, RightsAnswer, apply_answer, assign_right, set_first_day

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook


class UnclaimedRights:
    """Gives unclaimed rights to accounts. It may be repeated."""

    def __init__(self, couchdb: CouchDBHook, log: Log, *, asker: str, dry_run: bool) -> None:
        self._accounts = AccountStore(couchdb)
        self._ledger = Ledger(couchdb)
        self._log = log
        self._asker = asker
        self.dry_run = dry_run

    def assign_rights(
        self, account: str, client: str, rights: Sequence[AccessRight], at: datetime, first: date | None = None
    ) -> str:
        """Give an account rights to one meter, the oldest first. Return why the ledger refuses, or ``""``.

        :param at: when GRDF was asked for them, aware
        :param first: the first gas day that it may have; ``None`` for all that GRDF serves
        """
        pce, who = rights[0].pce, claimant_now(account, client)
        answer = RightsAnswer(client, rights, utc_text(at), paris_today(at), shared=who.shared)

        def event(meter: Meter) -> Meter:
            for right in rights:
                meter = assign_right(meter, who, right.id, "adopted", chosen=True)
            return apply_answer(set_first_day(meter, account, first) if first else meter, answer)

        try:
            if self.dry_run:
                event(self._ledger.fetch_meters([pce])[pce])
            else:
                meter = self._ledger.apply(pce, event)
                mark = ConnectedMark(utc_text(datetime.now(UTC)), f"rights adopted by {self._asker}")
                new = with_client({"_id": account, "account_type": ACCOUNT_TYPE, "name": "", "oauth": {}}, client)
                self._accounts.save(
                    account, lambda stored: self._ledger.settle_account(mark.add_to(stored or new), [meter])
                )
        except OwnedByAnother:
            return TAKEN
        self._log.info(
            "Right %s of client %s (meter %s) %s account %s, as %s says.", ids_of(rights), client,
            meter_tag(account, pce), "would get" if self.dry_run else "has", account, self._asker,
        )  # fmt: skip
        return ""

    def take_up_renewals(self, client: AdictHook, renewals: Mapping[str, tuple[str, Right]]) -> dict[str, Meter]:
        """Give accounts the rights that follow theirs, where GRDF names the same holder on both; return the meters.

        :param renewals: by meter, the account and the unclaimed right (``meter_rights.find_renewals``)
        """
        found = query_rights(self._ledger, client, renewals)
        lines = {line.id: line for line in found.rights}
        for pce, meter in found.meters.items():
            account, successor = renewals[pce]
            own = [lines[right.id] for right in meter.rights_of(account) if right.id in lines]
            line = lines.get(successor.id)
            if line and any(line.has_holder_of(former) for former in own):
                self.assign_rights(account, client.grdf_conn_id, [line], found.at)
        return self._ledger.fetch_meters(found.meters)

    def assign_newest_rights(self, clients: AdictHook, name: str) -> int:
        """Give an account, on a person's word, the newest usable right to its meters, and return how many it gets.

        :raises GasError: if it cannot be given one, or GRDF does not answer
        """
        document = self._accounts.read_document(name)
        check_not_leaving(document)
        client, given = clients.for_account(document), Declaration.from_document(document)
        pces = {*dict(named_meters(document, name))}
        if given and given.refused:
            pces |= {given.pce} - {""}
        found = query_rights(self._ledger, client, pces, account=name)
        consented = [right for right in found.rights if right.role and not right.role.is_own]
        usable = [right for right in consented if right.pce in pces and is_usable(right, paris_today(found.at))]
        newest = {right.pce: right for right in sorted(usable, key=lambda right: right.created or date.min)}
        if not newest:
            raise BadRequest.about(
                name,
                "GRDF has no usable right on its meters",
                "Nothing was changed. If one waits for its holder, start grdf_consents with this account again once it "
                "is accepted. If there is none, let the household connect, or start a run of the account's DAG, which "
                "declares what is asked for.",
            )
        new = [
            right
            for pce, right in newest.items()
            if right.id not in {own.id for own in found.meters[pce].rights_of(name)}
        ]
        if not new:
            self._log.info("Account %s: the newest right on its meters is its own already.", name)
        for right in new:
            if reason := self.assign_rights(name, client.grdf_conn_id, [right], found.at):
                raise BadRequest.about(name, f"it cannot have right {right.id}: {reason}", "That right stays as it is.")
        return len(new)
