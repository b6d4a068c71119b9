"""The check: validate the form again, and list exactly what the deletion would remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.consents.lists.consent_dates import other_holders, unknown_meters
from grdf.operators.deletion.step import DeletionOperator, stop_if_other
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.grant import holds_tokens
from include.gas.account.sections.marks import leaving
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, BadRequest, GasError
from include.gas.leaving.deletion_plan import Plan, standing, to_revoke
from include.gas.leaving.deletion_record import last_taker
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


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
            # Asked now, to find out before the consents are revoked if the login may not purge.
            self.log.info("Account %s: documents that will be removed: %s.", self.account_id, self.remover.tombstones)
        text = self.plan(context).text()
        self.log.info("%s", text)
        if params["dry_run"]:
            self.log.info("Account %s: dry run, nothing was revoked or removed.", self.account_id)
        return {"account": self.account_id, "dry_run": bool(params["dry_run"]), "text": text}

    def plan(self, context: Context) -> Plan:
        """Return what the deletion would remove.

        :raises BadRequest: if another deletion of the account is in progress
        :raises BadAccount: if there is no such account
        """
        keep_data = bool(Run.of(context).params["keep_data"])
        document = self.document()
        if document is None:
            return self._resume(context, keep_data)
        if document.get("account_type") != ACCOUNT_TYPE:
            raise BadAccount.about(
                self.account_id,
                f"its account_type is not {ACCOUNT_TYPE}, so it belongs to another service",
                "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
            )
        stop_if_other(context, self.account_id, leaving(document))
        return self._plan(document, keep_data)

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

    def _resume(self, context: Context, keep_data: bool) -> Plan:
        """Return the plan to continue a deletion that has already removed the account document."""
        record = self.open_record()
        if record is None:
            raise BadAccount.about(
                self.account_id,
                "there is no such account, and no unfinished deletion of it",
                "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
            )
        stop_if_other(context, self.account_id, last_taker(record))
        return Plan(self.account_id, keep_data=keep_data, gone=True)

    def _plan(self, document: dict[str, Any], keep_data: bool) -> Plan:
        notes: list[str] = []
        rights: tuple[tuple[str, str], ...] = ()
        left_alone: dict[str, str] = {}
        try:
            account = Account.from_document(document)
            pces = [meter.pce for meter in account.meters]
            if pces:
                client = self.adict.of(document)
                if len(self.clients()) > 1:
                    notes.append(f"Its consents belong to the GRDF client of the connection {client.grdf_conn_id}.")
                listed = client.listed_rights(pces, account=account.id)
                used = other_holders(self.accounts, account.id, pces)
                mine, left_alone = to_revoke(standing(listed.rights), account.meters, used)
                rights = tuple((right.id, right.state) for right in mine)
                if unknown_meters(account):
                    notes.append(
                        "It is not recorded which consent it brought for its meter. This is looked up before the "
                        "consents are revoked; a consent that may be somebody else's is left alone."
                    )
                own = {right for meter in account.meters for right in meter.own}
                if listed.odd and not {right.id for right in listed.rights}.issuperset(own):
                    notes.append(
                        f"{listed.odd} line(s) of GRDF's list of its consents could not be read, so there may be "
                        "more. Nothing is revoked or removed before the whole list can be read."
                    )
            notes += self._shared(pces)
            if account.declares or (account.was_sent and not pces):
                notes.append(
                    "A right is to be declared for it at GRDF. Whether GRDF has it already is looked up before the "
                    "consents are revoked."
                )
            if not pces and account.grant is not None:
                notes.append("Its meters are not known yet; they are looked up before the consents are revoked.")
        except GasError as error:
            notes.append(f"The consents could not be looked up: {error}")
        if mark := leaving(document):
            notes.append(f"An earlier deletion (run {mark.run}, by {mark.by}) did not finish; this one continues it.")
            if mark.keep_data and not keep_data:
                notes.append("**The earlier one kept the data; this one removes them.**")
        tokens, documents, days = holds_tokens(document), self.documents_left(), settings.consent_record_days()
        if documents[CONSENT_RECORD] and days and not keep_data:
            notes.append(
                f"Of the record of its consent a copy without the account's id is kept for {days} days, because GRDF "
                "may ask for the proof of the consent afterwards ([grdf] consent_record_days)."
            )
        return Plan(
            self.account_id,
            rights,
            documents,
            self.staging.count(self.account_id),
            tokens,
            keep_data,
            tuple(notes),
            tuple(left_alone.items()),
        )

    def _shared(self, pces: list[str]) -> list[str]:
        """Return a sentence for each meter that another account reads, too. Their rights are never revoked."""
        notes = []
        for pce in pces:
            others = [each for each in self.accounts.holding(pce) if each["_id"] != self.account_id]
            if names := [str(each["_id"]) for each in others if leaving(each) is None and _reads(each, pce)]:
                notes.append(
                    f"Its meter {meter_tag(self.account_id, pce)} is also read by {', '.join(names)}, under a consent "
                    "of its own. That consent and what is stored there stay."
                )
        return notes


def _reads(document: dict[str, Any], pce: str) -> bool:
    try:
        return any(meter.pce == pce and not meter.lost for meter in Account.from_document(document).meters)
    except BadAccount:
        return False
