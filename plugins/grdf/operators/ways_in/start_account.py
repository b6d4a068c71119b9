"""Starting the DAG of an account whose history is to be read, for the first time or under a new right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.account import Account
from include.gas.account.sections.status import Status
from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import account_of
from include.gas.errors import BadRequest
from include.gas.redact import excerpt

if TYPE_CHECKING:
    from airflow.sdk import Context


class StartAccountOperator(TriggerDagRunOperator):
    """Starts the DAG of an account with a meter whose history is still to be read under its rights, and no other DAG.

    The DAG's id comes from another task's XCom, which users may be allowed to edit, and Airflow asks nobody whether
    who edits it may start that DAG.
    """

    def execute(self, context: Context) -> Any:
        """Run the task.

        :raises AirflowSkipException: if nothing is to be read of the account: the run that an earlier try has started
            may have read it, or a right that was read before waited again and was accepted once more
        :raises BadRequest: if it is no account's DAG
        """
        account = account_of(self.trigger_dag_id)
        if account is None:
            raise BadRequest.about(
                None,
                f"{excerpt(repr(self.trigger_dag_id), 200)} is not the DAG of an account",
                "Nothing was started. Look who has edited this run of grdf_waiting_rights. Accounts whose right was "
                "accepted are read by the next scheduled run of their own DAG; start it by hand if that is too late.",
            )
        if not self._is_new(account):
            raise AirflowSkipException(
                f"Account {account}: its history is read already, so nothing was started. Its own DAG reads what comes."
            )
        return super().execute(context)

    def _is_new(self, account: str) -> bool:
        from grdf.hooks.couchdb import CouchDBHook
        from grdf.stores.accounts.account_store import AccountStore

        document = AccountStore(CouchDBHook()).document(account)
        meters, today = Account.from_document(document).meters, paris_today(datetime.now(UTC))
        return any(Status.reading(document, meter.pce).last_whole(meter, today) is None for meter in meters)
