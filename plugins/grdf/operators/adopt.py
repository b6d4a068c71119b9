"""Adoption: the documents that Cozy's konnector stored become the account's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grdf.airflow.announcing import announce
from grdf.airflow.tasks.run import Run
from grdf.meters.saving import undone_if_left, with_stored
from grdf.operators.base import AccountOperator
from include.gas.account.account import ACCOUNT_TYPE, Account, stop_if_leaving
from include.gas.account.grant import results_of
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, BadRequest
from include.gas.konnector.adopting import adopt, look

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.documents.load_report import LoadReport
    from include.gas.rights.meter_rights import Held

_NOTHING = "Nothing was changed."


class AdoptKonnectorOperator(AccountOperator):
    """Converts the konnector's documents into those of an account and its first meter, then removes them.

    The documents name neither account nor meter, so the form does. It is safe to repeat, to interrupt, and to run while
    the account's own DAG runs.

    :param account_id: the account's id (templated); the form's by default
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str = "{{ params.account }}", **kwargs: Any) -> None:
        super().__init__(account_id=account_id, **kwargs)

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account, whether this was a dry run, the counts, the report as text, and which days changed
        :raises BadRequest: if the form is not filled in correctly
        :raises BadAccount: if there is no such account, or its meter is not known yet
        :raises AccountLeaving: if the account is being deleted
        """
        dry_run = self._dry_run(Run.of(context).params)
        document = self.accounts.document(self.account_id)
        account = self.ledger.account(document)
        stop_if_leaving(account)
        held, others = self._meter(account, document), self._others()
        if others:
            self.log.info(
                "Account %s: these databases hold, or held, %d other account(s). Konnector documents that say they "
                "were written for one of those stay; all others are treated as this account's.",
                self.account_id, len(others),
            )  # fmt: skip
        if dry_run:
            plan = look(self.couchdb, self.account_id, held, others)
            text, counts, changes = plan.text(dry_run=True), plan.counts(), Changes()
        else:
            with undone_if_left(self.couchdb, self.account_id):
                report = adopt(self.couchdb, self.account_id, held, others, before_removal=self._stop_if_left)
                self._note(held.pce, report.loads)
            text, counts, changes = report.text(), report.counts(), Changes.of(report.loads)
            announce(context, self.outlets or (), self.account_id, changes)
        self.log.info("%s", text)
        if dry_run:
            self.log.info("Account %s: dry run, nothing was written or removed.", self.account_id)
        told = {"account": self.account_id, "dry_run": dry_run, **counts}
        return told | {"text": text, "changes": changes.as_json()}

    def _dry_run(self, params: Any) -> bool:
        try:
            check_account_id(self.account_id)
        except ValueError as error:
            raise BadRequest.about(
                None, str(error), f"{_NOTHING} Enter the account's id as it appears in its DAG's name."
            ) from None
        return bool(params["dry_run"])

    def _meter(self, account: Account, document: dict[str, Any]) -> Held:
        """Return the meter that the konnector read: the one that it noted, otherwise the first."""
        if not account.meters:
            raise BadAccount.about(
                account.id,
                "its meter is not known yet",
                f"{_NOTHING} Let its own DAG run once, then start this DAG again.",
            )
        noted = results_of(document).get("pce_id")
        return next((meter for meter in account.meters if meter.pce == noted), account.meters[0])

    def _others(self) -> set[str]:
        """Return the ids of the other accounts, also of those that have left: their figures are nobody else's.

        An account that nobody knows may be the household's own in its Cozy, so it is none of these.
        """
        documents = self.couchdb.scan(ACCOUNT)
        ids = {str(each["_id"]) for each in documents if each.get("account_type") == ACCOUNT_TYPE}
        gone = {str(each["account"]) for each in self.couchdb.scan(AUDIT) if each.get("account")}
        return (ids | gone) - {self.account_id}

    def _note(self, pce: str, loads: Sequence[LoadReport]) -> None:
        def change(document: dict[str, Any]) -> dict[str, Any]:
            for load in loads:
                document = with_stored(document, pce, load)
            return document

        self.accounts.update(self.account_id, change)

    def _stop_if_left(self) -> None:
        """Keep the konnector's documents if the household has left in the meantime. What was stored for it goes."""
        stop_if_leaving(self.accounts.account(self.account_id))
