"""The check: validate the form again, and list exactly what the deletion would remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator, is_real_run
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import names_person
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD
from include.gas.errors import (
    BadAccount,
    BadSettings,
    ClientUnknown,
    CredentialsRefused,
    FailNow,
    GasError,
)
from include.gas.leaving.deletion_plan import STANDING, Plan
from include.gas.leaving.deletion_record import is_open

if TYPE_CHECKING:
    from airflow.sdk import Context


Document = dict[str, Any]


class CheckDeletionOperator(DeletionOperator):
    """Validates the form again, which callers of the API have not seen, and prints the plan."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account, whether this is a dry run, and the plan as text for the approver
        :raises BadRequest: if the form is not filled in correctly, or another deletion of the account is in progress
        :raises BadAccount: if there is no such account
        """
        params = Run.of(context).params
        self.stop_unless_asked(params, dry_run=True)
        if not params["keep_data"]:
            _ = self.remover  # an error before the consents are revoked, if the login may not purge
        _, document = self.checked(context)
        if document is not None and is_real_run(params):
            self._take_in(context, document)
        text = self.plan(context).text()
        self.log.info("%s", text)
        if params["dry_run"]:
            self.log.info("Account %s: dry run, nothing was revoked or removed.", self.account_id)
        return {"account": self.account_id, "dry_run": bool(params["dry_run"]), "text": text}

    def _take_in(self, context: Context, document: Document) -> None:
        """Let the ledger know what the household has brought and no run has taken in, so that the plan is whole.

        Nothing is declared for it.
        """
        from grdf.ledger.taking_in import TakingIn

        if leaving(document) is not None or names_person(document):
            return
        try:
            if Account.from_document(document).needs_grant:  # a first launch may be using it, which works once
                self.wait_for_running(context)
            TakingIn(self.couchdb, self.adict.of(document), self.account_id).take_in()
        except (BadSettings, ClientUnknown, CredentialsRefused):
            raise  # a problem of ours, not of this household: once it is solved, the consents can be found
        except FailNow as error:
            self.log.warning(
                "%s So its consents cannot be found, and only the household can end them, on GRDF's site. What "
                "is stored is removed anyway.",
                error,
            )

    def plan(self, context: Context, *, strictly: bool = False) -> Plan:
        """Return what the deletion would remove.

        :param strictly: whether it is an error if GRDF cannot be asked; otherwise what was known before counts
        :raises BadRequest: if another deletion of the account is in progress
        :raises BadAccount: if there is no such account
        """
        run = Run.of(context)
        keep_data, notes = bool(run.params["keep_data"]), []
        entry, document = self.checked(context)
        if document is None:
            return Plan(self.account_id, keep_data=keep_data, gone=True)
        try:
            meters = self.look(document)
        except GasError as error:
            if strictly:
                raise
            notes.append(f"The consents could not be looked up at GRDF, so those known before are listed: {error}")
            meters = self.meters(document)
        own, left_alone = self.own_rights(meters)
        rights = {right.id: STANDING[right.state] for _, right in own if right.state in STANDING}
        notes += self._open_questions(document)
        if is_open(entry):
            notes.append(f"An earlier run ({entry['run']}, by {entry['asked_by']}) did not finish; this one continues.")
            if entry["keep_data"] and not keep_data:
                notes.append("**The earlier one kept the data; this one removes them.**")
        documents = {doctype: len(rows) for doctype, rows in self.documents().items()}
        days = settings.consent_record_days()
        if documents[CONSENT_RECORD] and days and not keep_data:
            notes.append(
                f"Of the record of its consent a copy without the account's id is kept for {days} days, because GRDF "
                "may ask for the proof of the consent afterwards ([grdf] consent_record_days)."
            )
        return Plan(
            self.account_id, rights, documents, self.staging.count(self.account_id), keep_data,
            tuple(notes), left_alone,
        )  # fmt: skip

    def checked(self, context: Context) -> tuple[Document, Document | None]:
        """Return the record of the deletion, and the account's document; ``None`` if an earlier try has removed it.

        :raises BadRequest: if another deletion of the account is in progress
        :raises BadAccount: if there is no such account
        """
        entry, document = self.entry(), self.couchdb.get(ACCOUNT, self.account_id)
        self.stop_if_other(context, entry)
        wrong = ""
        if document is None and not is_open(entry):
            wrong = "there is no such account, and no unfinished deletion of it"
        elif document is not None and document.get("account_type") != ACCOUNT_TYPE:
            wrong = f"its account_type is not {ACCOUNT_TYPE}, so it belongs to another service"
        if wrong:
            raise BadAccount.about(
                self.account_id,
                wrong,
                "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
            )
        return entry, document

    def _open_questions(self, document: Document) -> list[str]:
        """Return what is not known yet about the household's consents, as sentences."""
        try:
            account = Account.from_document(document)
        except BadAccount as error:
            return [f"The consents that its document names cannot be read: {error}"]
        notes = []
        if account.needs_grant:
            notes.append("Not all of its consents are known yet; they are looked up before the consents are revoked.")
        if account.declares:
            notes.append(
                "A right was to be declared for it at GRDF. If GRDF shows that right only later, grdf_consents names "
                "it as one that no account has."
            )
        return notes
