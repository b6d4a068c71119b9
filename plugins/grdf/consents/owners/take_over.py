"""A person states that an active right at GRDF belongs to an account's household, and is responsible for that.

GRDF's list says which meter a right is on, but not who gave it. So our code never takes one over by itself.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.consents.owners.taking import one_at_a_time
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.marks import TakenOver, leaving
from include.gas.account.sections.rights.declaration import Declaration, is_refused, names_person, without_person
from include.gas.answers.access_rights import is_usable
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadRequest, FailNow, GasError
from include.gas.importing.adoption import not_free
from include.gas.importing.holdings import Holdings
from include.gas.leaving.late_rights import left_rights
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_check import Listed, compared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from grdf.airflow.tasks.log import Log
    from grdf.airflow.tasks.run import Run
    from grdf.consents.lists.client_lists import ClientList
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.answers.access_rights import AccessRight

Document = dict[str, Any]


class TakeOver:
    """Makes the newest usable right on accounts' meters their own.

    :param list_of: returns GRDF's list for the client of an account
    """

    def __init__(self, couchdb: CouchDBHook, list_of: Callable[[Document], ClientList], log: Log) -> None:
        self.couchdb = couchdb
        self.accounts = AccountStore(couchdb)
        self._list_of = list_of
        self.log = log

    def run(self, run: Run, named: Sequence[str]) -> dict[str, int]:
        """Take the rights over, or log what would be done.

        :param run: its param ``dry_run`` must be ``False`` for anything to change
        :param named: ids of the accounts
        :return: how many rights were taken over, and how many accounts were refused
        :raises FailNow: after processing all accounts, if one could not be given a right
        """
        dry_run = run.params.get("dry_run")
        if not isinstance(dry_run, bool):
            raise BadRequest.about(None, f"dry_run is {dry_run!r:.40}", "Nothing was changed. Set it to true or false.")
        by, counts, refused = run.asked_by, {"taken_over": 0, "refused": 0}, []
        for name in named:
            try:
                counts["taken_over"] += self._account(name, by, dry_run=dry_run)
            except GasError as error:
                self.log.warning("%s", error)
                counts["refused"] += 1
                refused.append(name)
        if dry_run:
            self.log.info("Dry run: nothing was changed.")
        if refused:
            raise FailNow.about(None, f"not done for {', '.join(refused)}", "See the log above for the reasons.")
        return counts

    def _account(self, name: str, by: str, *, dry_run: bool) -> int:
        # Check and write under the lease that connecting accounts take, so that one of the two sees the other.
        with nullcontext() if dry_run else one_at_a_time(self.couchdb, name) as check_time:
            found = self._wanted(self.accounts.document(name))
            for right in found:
                self.log.info(
                    "Account %s, meter %s: the right %s of %s %s its own, as %s says.",
                    name, meter_tag(name, right.pce), right.id, right.created,
                    "would become" if dry_run else "becomes", by,
                )  # fmt: skip
            if check_time:
                check_time()
                self.accounts.update(name, lambda stored: self._with_rights(stored, self._wanted(stored), by))
        return len(found)

    def _wanted(self, document: Document) -> list[AccessRight]:
        """Return the rights that an account would take over, given its present document and those of other accounts."""
        account = Account.from_document(document)
        stop_if_leaving(account)
        asked = _refused_meter(document)
        declared = [Consent(asked)] if asked and all(meter.pce != asked for meter in account.meters) else []
        listed = self._list_of(document)
        found = [(meter, right) for meter in (*account.meters, *declared) if (right := _newest(meter, listed))]
        if not found:
            step = "Let the household consent, then connect it."
            if asked:
                step = (
                    "GRDF has refused its declaration because there is a right already. Once its holder has accepted "
                    "it, start grdf_consents with this account again. If there is none any more, start a run of the "
                    "account's DAG, which declares it."
                )
            cause = "GRDF's list has no usable right on its meters that is not already its own"
            raise BadRequest.about(account.id, cause, f"Nothing was changed. {step}")
        for meter, right in found:
            self._refuse_if_anothers(account.id, meter, right)
        self._refuse_if_not_free(account.id, [right for _, right in found], listed.connection)
        return [right for _, right in found]

    def _refuse_if_anothers(self, name: str, meter: Consent, right: AccessRight) -> None:
        for document in self.accounts.holding(meter.pce):
            if document["_id"] == name or leaving(document) is not None:
                continue
            theirs = next((each for each in Account.from_document(document).meters if each.pce == meter.pce), None)
            if theirs is not None and (right.id in theirs.own or not theirs.lost):
                raise BadRequest.about(
                    name,
                    f"its meter {meter_tag(name, meter.pce)} is also that of account {document['_id']}, which "
                    f"has {'this very right' if right.id in theirs.own else 'a right in force'}",
                    "Nothing was changed. Find out which of the two is the household's, and delete the other.",
                )

    def _refuse_if_not_free(self, name: str, rights: Sequence[AccessRight], client: str) -> None:
        """Refuse rights that another account is about to have, or whose household has left."""
        holdings = Holdings(document for document in self.accounts.every() if document["_id"] != name)
        gone = left_rights(self.couchdb.scan(AUDIT), rights, client)
        for right in rights:
            if reason := not_free(right, holdings, gone, client):
                raise BadRequest.about(name, f"it cannot have right {right.id}: {reason}", "Nothing was changed.")

    def _with_rights(self, stored: Document, rights: list[AccessRight], by: str) -> Document:
        now = datetime.now(UTC)
        pces, known = [right.pce for right in rights], self._list_of(stored)
        listed = Listed([each for pce in pces for each in known.rights[pce]], known.asked_at, meters=pces)
        document = without_person(stored) if _refused_meter(stored) in pces else stored
        document = with_meters(document, [Consent.of_right(right) for right in rights], now)
        document = compared(document, listed, now=now, today=paris_today(now)).document
        return TakenOver.added(document, (TakenOver(right.id, by, utc_text(now)) for right in rights))


def _newest(meter: Consent, listed: ClientList) -> AccessRight | None:
    today = paris_today(datetime.now(UTC))
    usable = [right for right in listed.rights.get(meter.pce, ()) if is_usable(right, today)]
    newest = max(reversed(usable), key=lambda right: str(right.created or ""), default=None)  # the list is in order
    return None if newest is None or newest.id in meter.own else newest


def _refused_meter(document: Mapping[str, Any]) -> str:
    """Return the meter whose declaration GRDF has refused, so that a person must act; ``""`` if there is none."""
    asked = Declaration.of(document)
    return "".join(asked.pce.split()) if asked and names_person(document) and is_refused(document) else ""
