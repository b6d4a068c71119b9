"""The plan: what the deletion would revoke and remove, for the user who asked and the approver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from msgspec.structs import replace

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator, is_real_run, read_order
from include.gas.account.account import Account
from include.gas.account.declaration import has_personal_data
from include.gas.account.marks import leaving_asker
from include.gas.account.status import is_building
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.errors import (
    BadAccount,
    BadRequest,
    BadSettings,
    ClientUnknown,
    CredentialsRefused,
    FailNow,
    RetryLater,
)
from include.gas.leaving.deletion import STANDING, begin_deletion, format_plan, is_open, with_request

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.documents.day_documents import Document


class CheckDeletionOperator(DeletionOperator):
    """Validates the form, which API callers have not seen, and prints the plan."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Return the plan as text for the approver; ``BadRequest`` for a wrong form, ``BadAccount`` without account."""
        from grdf.stores.free_days import FreeDays

        run = Run.from_context(context)
        params = run.params
        if not params["keep_data"]:
            _ = self.remover  # an error before the revocation, if the login may not purge
            FreeDays(self.couchdb).read_secret()  # or if what must be kept of the meters cannot be
        entry, document = self.check_request(run)
        if document is not None and is_real_run(params):
            document = self._taken_in(context, document)
        if params["keep_data"] and is_building(document or {}):
            raise BadRequest.about(
                self.account_id,
                "it is a building, with meters of our own contracts: there is no consent to revoke",
                "Nothing was done. Delete it with its data, or pause its DAG to stop reading it.",
            )
        text, _ = self.plan(run, entry, document)
        self.log.info("%s", text)
        if params["dry_run"]:
            self.log.info("Account %s: dry run, nothing was revoked or removed.", self.account_id)
        return {"account": self.account_id, "dry_run": bool(params["dry_run"]), "text": text}

    def _taken_in(self, context: Context, document: Document) -> Document:
        """Take in what no run has taken in, without declaring, so that the plan is whole."""
        from grdf.ledger.account_intake import AccountIntake

        if leaving_asker(document) is not None or has_personal_data(document):
            return document
        try:
            if Account.from_document(document).needs_grant:  # a first launch may be using it, which works once
                self.wait_for_running(context)
            return AccountIntake(self.couchdb, self.adict.for_account(document), self.account_id).process_account()
        except (BadSettings, ClientUnknown, CredentialsRefused):
            raise  # our problem: once it is solved, the rights can be found
        except FailNow as error:
            self.log.warning(
                "%s So its consents cannot be found, and only the household can end them, on GRDF's site. What "
                "is stored is removed anyway.",
                error,
            )
            return document

    def plan(self, run: Run, entry: Document, document: Document | None) -> tuple[str, list[str]]:
        """Return what the deletion would remove as text, and GRDF's ids of the rights to revoke."""
        if document is None and is_open(entry):
            text = f"Account **{self.account_id}**: an earlier deletion was interrupted near its end; this one ends it."
            return text, []
        notes = list[str]()
        if document is None:
            document = {"_id": self.account_id}
            notes.append("Its document is gone from CouchDB; its rights and what else is stored for it are removed.")
        try:
            meters = self.query_meters(document)
        except RetryLater as error:
            notes.append(f"The consents could not be looked up at GRDF, so those known before are listed: {error}")
            meters = self.all_meters(document)
        own, left_alone = self.own_rights(meters)
        rights = {right.id: right.state for _, right in own if right.state in STANDING}
        try:
            account = Account.from_document(document)
            if account.needs_grant or account.declares:
                notes.append(
                    "It may have consents that are not known yet: they are looked up before the consents are revoked. "
                    "One that GRDF shows only after that is named on the page Fleet."
                )
        except BadAccount as error:
            notes.append(f"The consents that its document names cannot be read: {error}")
        if is_open(entry):
            notes.append(f"Another run ({entry['run']}, by {entry['asked_by']}) has begun it; this one takes over.")
        removed = None
        if not begin_deletion(entry, read_order(run), datetime.now(UTC))["keep_data"]:
            found = {doctype: len(rows) for doctype, rows in self.documents().items()}
            removed = {f"documents of {doctype}": number for doctype, number in found.items()}
            removed["staged files"] = self.staging.count(self.account_id)
            if found[CONSENT_RECORD] and (days := settings.consent_record_days()):
                notes.append(
                    f"Of the record of its consent a copy without the account's id is kept for {days} days, because "
                    "GRDF may ask for the proof of the consent afterwards ([grdf] consent_record_days)."
                )
        return format_plan(self.account_id, rights, left_alone, removed, notes), sorted(rights)


class ApproveDeletionOperator(CheckDeletionOperator, ApprovalOperator):
    """Waits for an approval by another user than the asker; if the asker approves, it asks again.

    The text is computed here, and question and approval are on the record in CouchDB: users who may edit the DAG's runs
    can change states and return values in Airflow.
    """

    template_fields: Sequence[str] = ("account_id", "subject")

    def execute(self, context: Context) -> Any:
        """Ask for the approval; ``BadRequest`` if Airflow does not name the asker."""
        run = Run.from_context(context)
        if run.asker is None and not settings.deletion_by_one_person():
            raise BadRequest.about(
                self.account_id,
                "Airflow does not say who asked for its deletion, so it is not clear who else may approve it",
                "Nothing was done. Start the DAG in Airflow's UI or through its API, as a logged-in user.",
            )
        self.body, rights = self.plan(run, *self.check_request(run))
        if not settings.deletion_by_one_person():
            # Airflow can be told who may answer, but not who may not, and shows these texts again after a refusal.
            self.subject = (
                f"Delete account {self.account_id}? This cannot be undone. {run.asker} asked for it, so an approval by "
                f"{run.asker} does not count: somebody else has to answer."
            )
            self.body = (
                f"**{run.asker} asked for this deletion. Only an approval by somebody else counts.**\n\n{self.body}"
            )
        self.change_record(lambda entry: with_request(entry, replace(read_order(run), rights=rights)))
        return ApprovalOperator.execute(self, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Process the answer. A rejection skips the next steps; ``revoke`` checks whether the plan still holds."""
        if event.get("chosen_options") == [self.APPROVE]:
            run, approver = Run.from_context(context), str((event.get("responded_by_user") or {}).get("name") or "")
            noted = read_order(run).with_approval_from(self.read_record())
            order = replace(noted, approved_by=approver, approved_at=utc_text(datetime.now(UTC)))
            if not order.is_approved(by_one_person=settings.deletion_by_one_person()):
                self.log.warning(
                    "Account %s: %s asked for its deletion and cannot approve it as well. It waits for somebody else.",
                    self.account_id, approver or "somebody without a name",
                )  # fmt: skip
                return self.execute(context)
            self.change_record(lambda entry: with_request(entry, order))
            self.log.info("Account %s: its deletion is approved by %s.", self.account_id, approver)
        return super().execute_complete(context, event)
