"""The report: verify that nothing is left, and close the record that proves the deletion later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA, METER
from include.gas.documents.gas_days import account_range
from include.gas.errors import StoreBusy
from include.gas.leaving.airflow_memory import KEPT, WITHOUT_API
from include.gas.leaving.deletion_record import finished

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReportDeletionOperator(DeletionOperator):
    """Verifies and reports. Documents that a load wrote during the deletion are removed here."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the id of the record of the deletion
        :raises BadRequest: if nobody has approved this run
        :raises StoreBusy: if something is still stored
        """
        run = Run.of(context)
        for each in self.couchdb.range(AUDIT, *account_range(self.account_id)):
            if each["finished_at"] and each["run"] == run.id:  # killed before Airflow learned of it, or cleared later
                return {"account": self.account_id, "record": each["_id"]}
        keep_data = self.permitted(run)["keep_data"]
        late = {} if keep_data else self._remove_late()
        history = {} if keep_data else self._history(run)
        now = datetime.now(UTC)
        record = self.record(lambda entry: finished({**entry, "airflow_history": history}, at=now, late=late))
        self.log.info(
            "Account %s has left. Asked by %s, approved by %s; consents: %s; removed: %s. Kept as record %s.",
            self.account_id, record["asked_by"], record["approved_by"] or "nobody", record["revoked"] or "none",
            record["removed"] or "nothing", record["_id"],
        )  # fmt: skip
        return {"account": self.account_id, "record": record["_id"]}

    def _history(self, run: Run) -> dict[str, Any]:
        """Remove what Airflow remembers of the account, if the settings say how. Return what the record says of it."""
        conn_id = settings.airflow_conn_id()
        if conn_id is None:
            return {"kept": WITHOUT_API}
        from grdf.airflow.airflow_history import remove_history
        from grdf.hooks.airflow_api import AirflowApiHook

        not_ended = remove_history(AirflowApiHook(conn_id), self.account_id, this_run=run.id)
        return {"not_ended": not_ended, "kept": KEPT}

    def _remove_late(self) -> dict[str, int]:
        """Remove what was stored during the deletion, and have CouchDB free what its files keep of all that is gone.

        :return: how many documents of each doctype and staged files that were
        :raises StoreBusy: if something is still stored
        """
        from grdf.stores.database_files import DatabaseFiles

        documents = self.everything()
        late = {doctype: len(rows) for doctype, rows in documents.items() if rows}
        changed = sum(len(rows) - self.remover.remove_revisions(doctype, rows) for doctype, rows in documents.items())
        if staged := self.staging.remove_all(self.account_id):
            late["staged"] = staged
        if late:
            self.log.warning("Account %s: removed what came late: %s.", self.account_id, late)
        self.leave_meters(self.ledger.of_account(self.account_id))
        self.remover.remove(ACCOUNT, self.account_id)
        left = {
            "documents": changed + sum(map(len, self.documents().values())),
            METER: len(self.ledger.of_account(self.account_id)),
            ACCOUNT: int(self.couchdb.get(ACCOUNT, self.account_id) is not None),
            "staged": self.staging.count(self.account_id),
        }
        if any(left.values()):
            raise StoreBusy.about(
                self.account_id,
                f"some of its data are still stored: {left}",
                "It is checked again automatically. If this continues, start the deletion again.",
            )
        files = DatabaseFiles(self.remover.couchdb)
        for doctype in (*DATA, METER, ACCOUNT):
            files.compact(doctype)
            files.compact_indexes(doctype)
        return late
