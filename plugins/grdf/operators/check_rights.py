"""The morning's check: GRDF's list of all our rights, questions about what it lacks, and states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.account import Account
from include.gas.account.marks import leaving_asker, with_leaving
from include.gas.account.state import with_error
from include.gas.account.status import Status, named_meters, remembered_rights
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, GasError, UnknownRefusal
from include.gas.leaving.deletion import household_left_error, left_accounts
from include.gas.rights.meter_rights import Meter, find_renewals
from include.gas.rights.transitions import (
    KNOWN_STATES,
    RightsAnswer,
    apply_answer,
    is_of_another_client,
    must_ask_grdf,
    note_accounts,
    remove_rights,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.answers.access_rights import RightsList
    from include.gas.documents.day_documents import Document


class CheckRightsOperator(GrdfOperator):
    """Notes what GRDF lists of our rights, and writes to each account what that means for its household.

    The list alone ends nothing: in the same run GRDF is asked about all meters without an active right in it, and about
    all meters of a client without a list. With the param ``accounts`` it instead makes the newest right on their meters
    their own, on a person's word (``grdf.ledger.unclaimed_rights``).
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Return how many accounts were checked, have a state, or cannot be understood.

        :raises GasError: after all others, if GRDF gave no answer for a client, or one in unknown words, or for a bug
        :raises BadRequest: if accounts are named and the run was cleared: the newest right may be another's by now
        """
        run = Run.from_context(context)
        if named := run.named_accounts("Nothing was changed. Enter account ids, or none."):
            from grdf.ledger.unclaimed_rights import UnclaimedRights

            run.stop_if_cleared("grdf_consents")
            giving = UnclaimedRights(self.couchdb, self.log, asker=run.asked_by, dry_run=run.params["dry_run"])
            return {"taken_over": sum(giving.assign_newest_rights(self.adict, name) for name in named)}
        meters = {meter.pce: meter for meter in self.ledger.all_meters()}
        # Read after the rights: an account is stored before it has any, so a missing one is gone.
        documents, records = list(self.accounts.our_documents()), list(self.couchdb.scan(AUDIT))
        self._note_accounts(meters, {str(document["_id"]) for document in documents}, records)
        self._restore_lost_rights(meters, documents)
        answered: list[str] = []
        problems: list[GasError] = []
        for client in self.clients():
            try:
                problems += self._query_client(client, meters)
                answered.append(client.grdf_conn_id)
                self._take_up_renewals(client, meters, documents)
            except GasError as error:
                self.log.warning("%s: %s", client.grdf_conn_id, error)
                problems.append(error)
        self.ledger.note_asked(answered)
        counts = self._settle_accounts(meters, documents, records)
        self.log.info("Consents of %d accounts checked: %s.", counts["checked"], dict(counts))
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)
        return dict(counts)

    def _note_accounts(self, meters: dict[str, Meter], accounts: Collection[str], records: Iterable[Document]) -> None:
        """Note whose account is gone without a deletion, and whose is back; remove what a restore has brought back."""
        left, today = left_accounts(records), paris_today(datetime.now(UTC))
        named = {right.account for meter in meters.values() for right in meter.rights}
        gone = named - {"", *accounts, *left}  # of these meters alone: an account may have come since
        back = {account: left[account] for account in named & left.keys() - {*accounts}}

        def event(meter: Meter) -> Meter:
            for account, left_at in back.items():
                left_on = paris_today(datetime.fromisoformat(left_at))
                meter = remove_rights(meter, account, left_on, shared=settings.meter_in_several_accounts())
            return note_accounts(meter, gone, today)

        for meter in list(meters.values()):
            if event(meter) != meter:
                meters |= self.ledger.apply_if_readable(meter.pce, event)

    def _take_up_renewals(
        self, client: AdictHook, meters: dict[str, Meter], documents: Sequence[Mapping[str, Any]]
    ) -> None:
        """Give accounts whose right is over the unclaimed right of the same holder that follows it.

        A restore leaves such: the household has renewed since the backup, and must not be asked to renew again.
        """
        from grdf.ledger.unclaimed_rights import UnclaimedRights

        names = {str(document["_id"]) for document in documents if leaving_asker(document) is None}
        waiting = find_renewals(meters.values(), names, client.grdf_conn_id, paris_today(datetime.now(UTC)))
        if waiting:
            giving = UnclaimedRights(self.couchdb, self.log, asker="GRDF's name of the holder", dry_run=False)
            meters |= giving.take_up_renewals(client, waiting)

    def _restore_lost_rights(self, meters: dict[str, Meter], documents: Sequence[Document]) -> None:
        from grdf.ledger.account_intake import AccountIntake, lacks_right

        # The account that had a meter keeps it: first those that are behind none.
        for document in sorted(
            documents, key=lambda each: "behind" in {access.word for access in Status.access_of(each).values()}
        ):
            name = str(document["_id"])
            with self.each_account.serve(name):
                try:
                    named = [] if leaving_asker(document) else remembered_rights(document, name)
                    if any(right and lacks_right(meters.get(pce, Meter(pce=pce)), name, right) for pce, right in named):
                        taking_in = AccountIntake(self.couchdb, self.adict.for_account(document), name)
                        taking_in.assign_named_rights(document, Account.from_document(document))
                        meters |= taking_in.meters
                except GasError as error:
                    self.log.warning("Account %s: its rights are not looked up: %s", name, error)

    def _query_client(self, client: AdictHook, meters: dict[str, Meter]) -> list[GasError]:
        """Note what GRDF lists of a client's rights, and return the list's problems; ``GasError`` without an answer."""
        from grdf.ledger.rights_query import query_rights

        name, at = client.grdf_conn_id, datetime.now(UTC)
        rights = ((meter, right) for meter in meters.values() for right in meter.rights)
        known = {meter.pce: meter for meter, right in rights if right.client == name and right.state != "ended"}
        known_ids = {right.id for meter in known.values() for right in meter.rights}
        lines, questions, witness = {pce: list[AccessRight]() for pce in known}, [*known], ""
        problems = list[GasError]()
        try:
            found = client.query_all_rights()
        except GasError as error:
            self.log.warning("%s: %s GRDF is asked about %d meter(s) instead.", name, error, len(questions))
        else:
            if found.odd:
                self.log.warning(
                    "%d line(s) of GRDF's list of rights could not be read. Tell GRDF if this continues.", found.odd
                )
            problems = _problems_of(name, found, known.values())
            for right in found.rights:
                lines.setdefault(right.pce, []).append(right)
            shared, day = settings.meter_in_several_accounts(), paris_today(at)
            questions = []
            for pce in sorted(lines):
                answer = RightsAnswer(name, lines[pce], utc_text(at), day, shared=shared)
                before = meters.get(pce, Meter(pce=pce))
                if apply_answer(before, answer) != before:
                    meters |= self.ledger.apply_if_readable(pce, partial(apply_answer, answer=answer))
                if must_ask_grdf(meters.get(pce, before), answer):
                    questions.append(pce)
                elif known_ids & {line.id for line in lines[pce] if line.state == "active"}:
                    witness = pce
        if questions:
            self.log.info("%s: GRDF is asked about %d meter(s).", name, len(questions))
            meters |= query_rights(self.ledger, client, questions, witness=witness).meters
        return problems

    def _settle_accounts(
        self, meters: Mapping[str, Meter], documents: Sequence[Document], records: Sequence[Document]
    ) -> Counter[str]:
        now, left, counts = datetime.now(UTC), left_accounts(records), Counter({"checked": 0, "waiting": 0, "odd": 0})
        of_account: dict[str, list[Meter]] = {}
        for meter in meters.values():
            for holder in {right.account for right in meter.rights}:
                of_account.setdefault(holder, []).append(meter)
        for document in documents:
            name = str(document["_id"])

            def change(stored: Document, name: str = name) -> Document:
                named = [meters[pce] for pce, _ in named_meters(stored, name) if pce in meters]
                changed = self.ledger.settle_account(stored, [*named, *of_account.get(name, [])])
                if name in left and leaving_asker(stored) is None:  # a backup has brought it back
                    changed = with_error(changed, household_left_error(name, left[name]), since=now)
                    return with_leaving(changed, by=f"the deletion of {left[name][:10]}", since=now)
                return changed

            with self.each_account.serve(name):
                try:
                    after = change(document)
                    if after != document:
                        after = self.accounts.update(name, change, known=document)
                    account = Account.from_document(after)
                except GasError as error:
                    counts["odd"] += isinstance(error, BadAccount)
                    self.log.warning("Account %s is left unchanged: %s", name, error)
                    continue
                if not account.leaving:
                    counts["checked"] += 1
                    if account.state:
                        counts["waiting"] += 1
                        self.log.info("%s", account.message)
        return counts


def _problems_of(client: str, found: RightsList, meters: Iterable[Meter]) -> list[GasError]:
    """Return the unknown states in a list; ``BadSettings`` if it shows none of the client's rights."""
    from grdf.ledger.rights_query import another_client_error

    if is_of_another_client([*meters], client, found):
        raise another_client_error(client)
    words = sorted({right.state for right in found.rights} - KNOWN_STATES)
    what = f"GRDF's list calls rights of {client} by words that are not known: {', '.join(words)}"
    step = "Nothing was changed by that. Look the words up, and add them to include/gas/answers/access_rights.py."
    return [UnknownRefusal.about(None, what, step)] if words else []
