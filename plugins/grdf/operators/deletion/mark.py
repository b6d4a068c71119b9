"""The mark: from here on no task reads the account or stores data for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.airflow.tasks.run import Run
from grdf.consents.lists.consent_dates import unknown_meters, with_dates
from grdf.operators.acquire_token import consents_of_grant
from grdf.operators.deletion.check import CheckDeletionOperator
from grdf.operators.deletion.step import holds_now, stop_if_other
from include.gas.account.account import Account
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.client import GrdfClient
from include.gas.account.sections.marks import leaving, with_leaving
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, BadRequest, BadSettings, ClientUnknown, CredentialsRefused, FailNow
from include.gas.leaving.approval import approval_id, with_approval
from include.gas.leaving.deletion_record import last_taker, taken_up
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class MarkLeavingOperator(CheckDeletionOperator):
    """Marks the account as leaving. Its DAG then refuses to run, and is no longer listed.

    If two deletions start at once, CouchDB accepts the mark of one; the other finds it and stops.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :raises BadRequest: if another deletion of the account is in progress, or nobody has approved this one
        :raises BadAccount: if another deletion has removed the account in the meantime
        """
        run = Run.of(context)
        self.stop_unless_asked(run)
        if record := self.known_record(run):
            self.stop_if_over(record)
        given = self._approval(run, record)
        try:
            self._stop_if_changed(context, given)
            return self._mark(context, run, given)
        except (BadAccount, BadRequest):
            self.forget_approval(run)
            raise

    def _approval(self, run: Run, record: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the approval for this run, or ``None`` if the record already contains it or none is needed.

        :raises BadRequest: if nobody has approved
        """
        given = self.couchdb.get(AUDIT, approval_id(self.account_id, run.id))
        if given is None or not holds_now(run, given):
            self.stop_unless_approved(run, *(record or {}).get("approvals", []))
            return None
        return given

    def _stop_if_changed(self, context: Context, given: dict[str, Any] | None) -> None:
        if given is None or self.document() is None:
            return
        if given["plan"] != self.plan(context).digest():
            raise BadRequest.about(
                self.account_id,
                "the consents that would be revoked are not those that were approved",
                "Nothing was done. Start grdf_delete_account again.",
            )

    def _mark(self, context: Context, run: Run, given: dict[str, Any] | None) -> dict[str, Any]:
        keep_data = bool(run.params["keep_data"])
        now = datetime.now(UTC)
        if self.document() is None:
            record = self.known_record(run)
            if record is None:
                raise BadAccount.about(
                    self.account_id,
                    "the account no longer exists: another deletion has removed it in the meantime",
                    "This run did nothing, and nothing is left to do.",
                )
            stop_if_other(context, self.account_id, last_taker(record))
            self._take_up(run, given, now, keep_data)
            self.log.info("Account %s: its document is already gone.", self.account_id)
            return {"account": self.account_id, "marked": False}

        def mark(document: dict[str, Any]) -> dict[str, Any]:
            stop_if_other(context, self.account_id, leaving(document))
            return with_leaving(document, run=run.id, by=run.asked_by, since=now, keep_data=keep_data)

        document = self.accounts.update(self.account_id, mark)
        # After the mark, so that a deletion that came too late leaves no record behind.
        self._take_up(run, given, now, keep_data, document)
        from grdf.stores.household_links import HouseholdLinks

        if HouseholdLinks(self.couchdb).take_back(self.account_id):
            self.log.info("Account %s: the link of its household is void from now on.", self.account_id)
        self._learn_meters(context, document)
        self.log.info("Account %s is leaving: its DAG refuses to run from now on.", self.account_id)
        return {"account": self.account_id, "marked": True}

    def _take_up(
        self,
        run: Run,
        given: dict[str, Any] | None,
        now: datetime,
        keep_data: bool,
        document: dict[str, Any] | None = None,
    ) -> None:
        """Note on the record that this run carries out the deletion.

        :param document: the account's document, whose client is the only one that may find a right of it later
        """
        whose = {key: value for key, value in (document or {}).items() if key == GrdfClient.key}

        def change(entry: dict[str, Any]) -> dict[str, Any]:
            taken = taken_up({**entry, **whose}, run.id, by=run.asked_by, at=now, keep_data=keep_data)
            return with_approval(taken, given)

        self.record(run, change)
        if given is not None:
            self.forget_approval(run)

    def _learn_meters(self, context: Context, document: dict[str, Any]) -> None:
        """Learn which consents an account has that its document does not show yet."""
        with self._whatever_is_wrong():
            account = Account.from_document(document)
            if account.needs_first_launch and account.grant is not None:
                self._take_grant(context)
        with self._whatever_is_wrong():
            if SentDeclarations.of(self.accounts.document(self.account_id)):
                self._take_declared(context)
        with self._whatever_is_wrong():
            if unknown_meters(self.accounts.account(self.account_id)):
                self._learn_rights()

    @contextmanager
    def _whatever_is_wrong(self) -> Iterator[None]:
        """Go on if one of the account's consents cannot be found because of what its household has left."""
        try:
            yield
        except (BadSettings, ClientUnknown, CredentialsRefused):
            raise  # a problem of ours, not of this household: once it is solved, the consents can be found
        except FailNow as error:
            self.log.warning(
                "%s So its consents cannot be found, and only the household can end them, on GRDF's site. What "
                "is stored is removed anyway.",
                error,
            )

    def _take_declared(self, context: Context) -> None:
        """Look whether GRDF has taken a right whose answer was lost."""
        from grdf.consents.declarations.declaring import Declaring

        self.wait_for_running(context)
        client = self.adict.of(self.accounts.document(self.account_id))
        Declaring(self.couchdb, client, self.account_id).take_up_known()

    def _take_grant(self, context: Context) -> None:
        # A first launch may be in progress. It uses the grant, which works once, and stores the meters itself.
        self.wait_for_running(context)
        document = self.accounts.document(self.account_id)
        account = Account.from_document(document)
        if not account.needs_first_launch or account.grant is None:
            return
        consents = consents_of_grant(self.adict.of(document).oauth, account)
        if consents:
            self.accounts.update(self.account_id, lambda stored: with_meters(stored, consents))

    def _learn_rights(self) -> None:
        """Find out which right a konnector's account brought, because no other right is revoked."""
        document = self.accounts.document(self.account_id)
        account = with_dates(self.adict.of(document), self.accounts, Account.from_document(document))
        for meter in account.meters:
            if meter.id_accreditation is None:
                self.log.warning(
                    "Account %s, meter %s: it is not known which consent it brought, so none is revoked for it. "
                    "If one is in force, the household can end it on GRDF's site.",
                    account.id, meter_tag(account.id, meter.pce),
                )  # fmt: skip
