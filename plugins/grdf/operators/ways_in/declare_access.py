"""Declaring a household's right to read its meter at GRDF, for households that connect without Client Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.waiting import waiting_for_grdf
from grdf.operators.base import AccountOperator
from include.gas.account.account import Account

if TYPE_CHECKING:
    from airflow.sdk import Context


class DeclareAccessOperator(AccountOperator):
    """Declares the right that an account's ``declaration`` asks for. Its own DAG does this in ``acquire_token``.

    It may be repeated: GRDF gets no second right for the same household. As soon as GRDF has the right, the household's
    name, postcode, e-mail address and phone number are removed from the account.
    """

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account, GRDF's id of the right, and whether the contract's holder has to accept it first
        :raises DeclarationRefused: if what the household gave is incomplete, or not as GRDF knows it
        :raises MeterTaken: if another account has the meter
        """
        from grdf.consents.declarations.declaring import Declaring

        document = self.accounts.document(self.account_id)
        account = Account.from_document(document)
        if account.leaving or not account.declares:
            why = "is leaving" if account.leaving else "has nothing to declare"
            raise AirflowSkipException(f"Account {account.id} {why}: GRDF is not asked.")
        right = Declaring(self.couchdb, self.adict.of(document), account.id).declare()
        return {"account": account.id, "right": right.id, "waits": right.waits}
