"""Makes the copy of a household's data that it can take along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grdf.operators.base import AccountOperator
from include.gas.household_copy.words import COPY_DAYS

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExportAccountOperator(AccountOperator):
    """Puts an account's copy into staging, in place of a former one, also of a household that is leaving."""

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many lines each table has; ``BadAccount`` if there is no account, or it has left meanwhile."""
        from grdf.household_copy.making import make_copy
        from grdf.meters.answer_storage import undo_if_household_left

        account = self.accounts.read_account(self.account_id.strip()).id
        with undo_if_household_left(self.couchdb, account, lambda: self.staging.remove_copy(account)):
            content, numbers = make_copy(self.couchdb, account)
            self.staging.put_copy(account, content)
            self.accounts.read_document(account)
        self.log.info(
            "Account %s: its household's copy is made, %d bytes. Download it on the account's page within %d days.",
            account, len(content), COPY_DAYS,
        )  # fmt: skip
        return numbers
