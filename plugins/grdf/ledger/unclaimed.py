"""Rights in force that no account has: they get one, or an account gets them because a person knows whose they are.

GRDF's list says which meter a right is on, and of declared ones for whom. The ledger decides who has the meter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.ledger.looking import look
from grdf.ledger.meters import Ledger, asking
from grdf.ledger.taking_in import settled
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.account import ACCOUNT_TYPE, Account, stop_if_leaving
from include.gas.account.own_meters import named_in
from include.gas.account.sections.client import bound
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import is_refused
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, BadRequest, FailNow
from include.gas.importing.adoption import ID_TAKEN, TAKEN, Adopting, Adoption, AdoptionPlan
from include.gas.importing.holdings import Holdings, declared_meter
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import Answer, Taken, brought, listed

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.airflow.tasks.run import Run
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.client_lists import ClientList

Document = dict[str, Any]


class RightsWithoutAccount:
    """Gives rights that no account has to accounts. It may be repeated: rights that an account has are left alone.

    ``recorded`` says for how many of them there is a record of the consent.

    :param asker: who asked for that
    """

    def __init__(self, couchdb: CouchDBHook, log: Log, *, asker: str) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._ledger = Ledger(couchdb)
        self._records = ConsentRecords(couchdb)
        self._log = log
        self._asker = asker
        self.recorded = 0

    def plan(self, lists: Mapping[str, ClientList], pattern: str) -> AdoptionPlan:
        """Return what to do with the rights in GRDF's lists.

        :param lists: the lists by the connection of their client
        :param pattern: of the ids of new accounts
        """
        rights = {client: found.answer.rights for client, found in lists.items()}
        several = settings.meter_in_several_accounts()
        return self._adopting().plan(rights, pattern, self._knows, several=several)

    def adopt(self, each: Adoption, at: datetime) -> str:
        """Give an account its rights. Return why it cannot have them; ``""`` if it has.

        :param at: when GRDF was asked for its list, aware
        """
        answer = Answer(each.client, each.rights, utc_text(at), paris_today(at))
        who = asking(each.account, each.client)

        def event(meter: Meter) -> Meter:
            meter = listed(meter, answer)
            for right in each.rights:
                meter = brought(meter, who, right.id, "adopted")
            return meter

        try:
            meter = self._ledger.apply(each.pce, event)
        except Taken:
            return TAKEN
        records = [found for right in each.rights if (found := self._records.hand_over(right, each.account))]
        record = records[-1].id if records else ""
        mark = Connected(utc_text(datetime.now(UTC)), f"rights adopted by {self._asker}", record)
        new = bound({"_id": each.account, "account_type": ACCOUNT_TYPE, "name": "", "oauth": {}}, each.client)
        try:
            self._accounts.save(
                each.account, lambda stored: settled(self._ledger, mark.noted(_expected(stored, each) or new), [meter])
            )
        except BadAccount:
            return ID_TAKEN
        self.recorded += bool(record)
        self._log.info(
            "Account %s has right %s to meter %s%s.", each.account, each.names, meter_tag(each.account, each.pce),
            ", with the record of its consent" if record else "",
        )  # fmt: skip
        return ""

    def take_over(self, clients: AdictHook, name: str, *, dry_run: bool) -> int:
        """Give an account the newest usable right on its meters, or on that of its refused declaration.

        :param clients: the hook for one of our clients, which leads to the account's
        :return: how many rights it was given, or would be
        :raises GasError: if it cannot be given one, or GRDF does not answer
        """
        document = self._accounts.document(name)
        stop_if_leaving(Account.from_document(document))
        client = clients.of(document)
        refused = declared_meter(document) if is_refused(document) else ""
        pces = {pce for pce, _ in named_in(document, name)} | {refused} - {""}
        at, found = datetime.now(UTC), look(self._ledger, client, pces, account=name)
        newest = [right for pce in sorted(pces) if (right := _newest(found.rights, pce))]
        if newest and not (newest := [right for right in newest if not _has(found.meters[right.pce], name, right)]):
            self._log.info("Account %s: the newest right on its meters is its own already.", name)
            return 0
        if not newest:
            raise BadRequest.about(
                name,
                "GRDF has no usable right on its meters",
                "Nothing was changed. Let the household consent, then connect it."
                if not refused
                else "Nothing was changed. GRDF has refused its declaration because there is a right already. Once its "
                "holder has accepted it, start grdf_consents with this account again. If there is none any more, start "
                "a run of the account's DAG, which declares it.",
            )
        adopting, several = self._adopting(), settings.meter_in_several_accounts()
        for right in newest:
            self._log.info(
                "Account %s, meter %s: the right %s of %s %s its own, as %s says.", name, meter_tag(name, right.pce),
                right.id, right.created, "would become" if dry_run else "becomes", self._asker,
            )  # fmt: skip
            each = Adoption(name, (right,), client.grdf_conn_id, is_new=False)
            if reason := adopting.why_not_one(each, several=several) or ("" if dry_run else self.adopt(each, at)):
                raise BadRequest.about(name, f"it cannot have right {right.id}: {reason}", "Nothing was changed.")
        return len(newest)

    def _adopting(self) -> Adopting:
        gone = {right for record in self._couchdb.scan(AUDIT) for right in members(record.get("revoked"))}
        return Adopting(Holdings(self._accounts.every(), self._ledger.every()), gone, datetime.now(UTC))

    def _knows(self, account: str, right: AccessRight) -> bool:
        records = (each for each in self._records.of(account) if each.pce == right.pce)
        return any(right.is_held_by(each.entered.name or each.entered.company, each.entered.email) for each in records)


def take_over(
    couchdb: CouchDBHook, clients: Sequence[AdictHook], run: Run, named: Iterable[str], log: Log
) -> dict[str, int]:
    """Give accounts the newest right on their meters, because a person says that it is theirs; or say what would be.

    :param run: its param ``dry_run`` must be ``False`` for anything to change
    :param named: ids of the accounts
    :return: how many rights were taken over, and how many accounts were refused
    :raises FailNow: after all accounts, if one could not be given a right
    :raises RetryLater: if GRDF or CouchDB does not answer; the next try continues
    """
    dry_run = run.params.get("dry_run")
    if not isinstance(dry_run, bool):
        raise BadRequest.about(None, f"dry_run is {dry_run!r:.40}", "Nothing was changed. Set it to true or false.")
    rights, taken, refused = RightsWithoutAccount(couchdb, log, asker=run.asked_by), 0, list[str]()
    for name in named:
        try:
            taken += rights.take_over(clients[0], name, dry_run=dry_run)
        except FailNow as error:
            log.warning("%s", error)
            refused.append(name)
    if dry_run:
        log.info("Dry run: nothing was changed.")
    if refused:
        raise FailNow.about(None, f"not done for {', '.join(refused)}", "See the log above for the reasons.")
    return {"taken_over": taken, "refused": 0}


def _expected(stored: Document | None, each: Adoption) -> Document | None:
    if stored is not None and each.is_new:
        raise BadAccount.about(each.account, "there is an account of this id")
    return stored


def _newest(rights: Iterable[AccessRight], pce: str) -> AccessRight | None:
    """Return the newest usable right to a meter."""
    usable = [right for right in rights if right.pce == pce and is_usable(right, paris_today(datetime.now(UTC)))]
    return max(reversed(usable), key=lambda right: str(right.created or ""), default=None)  # the list is in order


def _has(meter: Meter, account: str, right: AccessRight) -> bool:
    return any(each.id == right.id for each in meter.of(account))
