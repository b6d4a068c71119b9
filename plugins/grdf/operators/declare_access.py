"""Declaring a household's right to read its meter at GRDF, for households that connect without Client Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.waiting import waiting_for_grdf
from grdf.operators.base import AccountOperator
from include.gas.account.sections.declaration import with_refused
from include.gas.errors import FailNow

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
        :raises DeclarationRefused: if something that the household gave is not as GRDF knows it
        :raises MeterTaken: if another account has the meter
        :raises BadAccount: if the declaration cannot be sent as it is
        """
        from grdf.consents.declaring import Declaring

        account = self.accounts.account(self.account_id)
        if account.leaving or not account.declares:
            why = "is leaving" if account.leaving else "has nothing to declare"
            raise AirflowSkipException(f"Account {account.id} {why}: GRDF is not asked.")
        try:
            right = Declaring(self.couchdb, self.adict, account.id).declare()
        except FailNow as error:
            if error.state:
                self.accounts.update(account.id, with_refused)
            self.accounts.mark(account.id, error, partial=account.reads_on)
            raise
        return {"account": account.id, "right": right.id, "waits": right.waits}
