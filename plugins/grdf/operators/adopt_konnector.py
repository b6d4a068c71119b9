"""Adoption: the konnector's documents become the account's own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.announcing import announce_changes
from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import undo_if_household_left, with_stored_years
from grdf.operators.base import AccountOperator
from include.gas.account.account import Account, check_not_leaving
from include.gas.account.grant import oauth_results
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import first_kept_day
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount
from include.gas.konnector.document_adoption import adopt_documents, plan_adoption, remove_konnector_documents

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.rights.meter_rights import MeterAccess


class AdoptKonnectorOperator(AccountOperator):
    """Converts the konnector's documents into those of an account and its first meter, then removes them."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts and the changed days; ``BadAccount`` without a meter, ``AccountLeaving`` during a deletion."""
        dry_run = bool(Run.from_context(context).params["dry_run"])
        document = self.accounts.read_document(self.account_id)
        check_not_leaving(document)
        account = self.ledger.read_account(document)
        access, today = self._meter(account, document), paris_today(datetime.now(UTC))
        # Figures of other accounts, also of deleted ones, stay theirs. An unknown account may be the household's own in
        # its Cozy.
        gone = {str(each["account"]) for each in self.couchdb.scan(AUDIT) if each.get("account")}
        others = ({str(each["_id"]) for each in self.accounts.our_documents()} | gone) - {self.account_id}
        plan = plan_adoption(self.couchdb, self.account_id, access, others, today)
        self.log.info("%s", plan.text())
        counts = {"account": self.account_id, "dry_run": dry_run, **plan.counts}
        if dry_run:
            self.log.info("Account %s: dry run, nothing was written or removed.", self.account_id)
            return counts

        with undo_if_household_left(self.couchdb, self.account_id):
            first = first_kept_day(paris_today(datetime.now(UTC)), settings.days_kept_years())
            report = adopt_documents(self.couchdb, plan, first)
            # If it is leaving, the konnector's documents stay.
            self.accounts.update_if_staying(self.account_id, lambda found: with_stored_years(found, access.pce, report))
        removed, changes = remove_konnector_documents(self.couchdb, plan), Changes.sum_of([report])
        self.log.info("Account %s: %d documents of the konnector's were removed.", self.account_id, removed)
        announce_changes(context, self, self.account_id, changes)
        return counts | {"removed": removed, "changes": changes.as_json()}

    def _meter(self, account: Account, document: dict[str, Any]) -> MeterAccess:
        """Return the meter that the konnector noted, otherwise the first."""
        if not account.meters:
            raise BadAccount.about(
                account.id,
                "its meter is not known yet",
                "Nothing was changed. Let its own DAG run once, then start this DAG again.",
            )
        noted = oauth_results(document).get("pce_id")
        return next((meter for meter in account.meters if meter.pce == noted), account.meters[0])
