"""Starting the DAG of an account whose history is to be read, for the first time or under a new right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from include.gas.account.account import Account
from include.gas.account.sections.whole_history import history_read
from include.gas.documents.gas_days import account_of
from include.gas.errors import BadRequest

if TYPE_CHECKING:
    from airflow.sdk import Context


class StartAccountOperator(TriggerDagRunOperator):
    """Starts the DAG of an account with a meter whose history is still to be read under its rights, and no other DAG.

    The DAG's id comes from another task's XCom, which users may be allowed to edit, and Airflow asks nobody whether
    who edits it may start that DAG.
    """

    def execute(self, context: Context) -> Any:
        """Run the task.

        :raises BadRequest: if it is no account's DAG, or that of one whose histories are all read
        """
        account = account_of(self.trigger_dag_id)
        if account is None or not self._is_new(account):
            raise BadRequest.about(
                account,
                f"the DAG {self.trigger_dag_id} is not that of an account with a history that is still to be read",
                "Nothing was started. Look who has edited this run of grdf_waiting_rights; its next run starts all "
                "accounts that are to be read.",
            )
        return super().execute(context)

    def _is_new(self, account: str) -> bool:
        from grdf.hooks.couchdb import CouchDBHook
        from grdf.stores.accounts.account_store import AccountStore

        document = AccountStore(CouchDBHook()).document(account)
        return any(not history_read(document, meter) for meter in Account.from_document(document).meters)
