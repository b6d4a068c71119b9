"""The check: validate the form again, and list exactly what the deletion would remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator, is_real_run, stop_if_other
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.grant import holds_tokens
from include.gas.account.own_meters import named_in
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import names_person
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import (
    BadAccount,
    BadRequest,
    BadSettings,
    ClientUnknown,
    CredentialsRefused,
    FailNow,
    GasError,
)
from include.gas.leaving.deletion_plan import STANDING, Plan
from include.gas.leaving.deletion_record import last_taker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from include.gas.rights.meter_rights import Meter

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
        self._check_form(params)
        if not params["keep_data"]:
            _ = self.remover  # an error before the consents are revoked, if the login may not purge
        document = self._checked(context)
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
        keep_data = bool(Run.of(context).params["keep_data"])
        document = self._checked(context)
        if document is None:
            return Plan(self.account_id, keep_data=keep_data, gone=True)
        return self._plan(document, keep_data, strictly=strictly)

    def _checked(self, context: Context) -> Document | None:
        """Return the account's document, or ``None`` if an earlier deletion was interrupted after removing it.

        :raises BadRequest: if another deletion of the account is in progress
        :raises BadAccount: if there is no such account
        """
        document = self.document()
        if document is None:
            record = self.open_record()
            if record is None:
                raise BadAccount.about(
                    self.account_id,
                    "there is no such account, and no unfinished deletion of it",
                    "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
                )
            stop_if_other(context, self.account_id, last_taker(record))
            return None
        if document.get("account_type") != ACCOUNT_TYPE:
            raise BadAccount.about(
                self.account_id,
                f"its account_type is not {ACCOUNT_TYPE}, so it belongs to another service",
                "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
            )
        stop_if_other(context, self.account_id, leaving(document))
        return document

    def _check_form(self, params: Any) -> None:
        try:
            check_account_id(self.account_id)
        except ValueError as error:
            raise BadRequest.about(
                None, str(error), "Nothing was done. Enter the account's id as it appears in its DAG's name."
            ) from None
        if params["confirm"] != self.account_id:
            raise BadRequest.about(
                self.account_id,
                f"the confirmation says {params['confirm']!r:.140}, which is not the same id",
                "Nothing was done. Start again and enter the account's id twice.",
            )
        for name in ("dry_run", "keep_data"):
            if not isinstance(params[name], bool):
                raise BadRequest.about(
                    self.account_id, f"{name} is {params[name]!r:.40}", "Nothing was done. Set it to true or false."
                )

    def _plan(self, document: Document, keep_data: bool, *, strictly: bool) -> Plan:
        notes: list[str] = []
        try:
            meters = self.look(document)
        except GasError as error:
            if strictly:
                raise
            notes.append(f"The consents could not be looked up at GRDF, so those known before are listed: {error}")
            meters = self.meters(document)
        own, left_alone = self.own_rights(meters)
        rights = tuple((right.id, STANDING[right.state]) for _, right in own if right.state in STANDING)
        notes += self._open_questions(document, meters)
        if mark := leaving(document):
            notes.append(f"An earlier deletion (run {mark.run}, by {mark.by}) did not finish; this one continues it.")
            if mark.keep_data and not keep_data:
                notes.append("**The earlier one kept the data; this one removes them.**")
        documents = {doctype: len(rows) for doctype, rows in self.documents().items()}
        days = settings.consent_record_days()
        if documents[CONSENT_RECORD] and days and not keep_data:
            notes.append(
                f"Of the record of its consent a copy without the account's id is kept for {days} days, because GRDF "
                "may ask for the proof of the consent afterwards ([grdf] consent_record_days)."
            )
        return Plan(
            self.account_id, rights, documents, self.staging.count(self.account_id), holds_tokens(document), keep_data,
            tuple(notes), left_alone,
        )  # fmt: skip

    def _open_questions(self, document: Document, meters: Iterable[Meter]) -> list[str]:
        """Return what is not known yet about the household's consents, as sentences."""
        known, notes = {meter.pce for meter in meters if meter.of(self.account_id)}, []
        try:
            account = Account.from_document(document)
            if {pce for pce, _ in named_in(document, self.account_id)} - known:
                notes.append(
                    "It is not recorded which consent it brought for its meter. This is looked up before the "
                    "consents are revoked; a consent that may be somebody else's is left alone."
                )
            if account.declares:
                notes.append(
                    "A right was to be declared for it at GRDF. If GRDF shows that right only later, grdf_consents "
                    "names it as one that no account has."
                )
            if account.needs_grant:
                notes.append("Its meters are not known yet; they are looked up before the consents are revoked.")
        except BadAccount as error:
            notes.append(f"The consents that its document names cannot be read: {error}")
        if len(self.clients()) > 1 and known:
            notes.append(f"Its consents belong to the GRDF client of the connection {client_if_known(document)}.")
        return notes
