"""The first step of an account's DAG: grant or declaration become rights in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountRunOperator
from include.gas.account.account import Account, check_not_leaving
from include.gas.account.declaration import with_resend
from include.gas.days.gas_day import paris_today
from include.gas.errors import DeclarationRefused, FailNow, HouseholdHasLeft, MeterTaken, RetryLater, RightNotInForce

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.documents.day_documents import Document


class AcquireTokenOperator(AccountRunOperator):
    """Turns the account's grant or declaration into meters on the first launch; later checks that they are known."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Return the account, how many meters it has, and whether this was its first launch.

        :raises AirflowSkipException: if the household must act first
        :raises GasError: if no meter can be read
        """
        run = Run.from_context(context)
        document = self.accounts.read_document(self.account_id)
        account = Account.from_document(document)
        check_not_leaving(document)
        if account.waits_for_person and run.is_scheduled and self._has_nothing_to_do(account):
            raise AirflowSkipException(
                f"Account {account.id} waits for a person ({account.state}), so GRDF is not asked. "
                f"{account.message} A run started by hand tries anyway."
            )
        client = self.adict.for_account(document)
        if run.is_scheduled and account.is_settled:  # extract asks the ledger anyway
            return self._result(account)
        if account.declares and not (run.is_scheduled or run.is_backfill):  # a person still wants it
            self.accounts.update(account.id, partial(with_resend, now=datetime.now(UTC)))
        after = Account.from_document(self._process_account(client, document, account, run))
        self._stop_if_unreadable(after, run)
        return self._result(after, first=account.needs_grant or account.declares)

    def _result(self, account: Account, *, first: bool = False) -> dict[str, Any]:
        self.log.info("Account %s: it has %d meter(s).", account.id, len(account.meters))
        return {"account": account.id, "meters": len(account.meters), "first_launch": first}

    def _stop_if_unreadable(self, after: Account, run: Run) -> None:
        if any(meter.is_open for meter in after.meters):
            return
        if after.meters and all(meter.word in ("waiting", "asked") for meter in after.meters):
            raise AirflowSkipException(
                f"Account {after.id}: the contract's holder has to accept the right in GRDF's e-mail. Nothing to do: "
                "grdf_waiting_rights looks for the answer and then starts a run."
            )
        if after.state and self._has_nothing_to_do(after):
            if run.is_scheduled:
                raise AirflowSkipException(after.message)
            raise RightNotInForce(after.message, account=after.id)

    def _process_account(self, client: AdictHook, document: Document, account: Account, run: Run) -> Document:
        """Let the ledger decide. Known meters are read whatever came of the others."""
        from grdf.ledger.account_intake import AccountIntake

        try:
            return AccountIntake(self.couchdb, client, account.id).process_account(asks=not run.is_scheduled)
        except (FailNow, RetryLater) as error:
            reads = any(meter.is_open for meter in self.ledger.read_account(document).meters)
            later = isinstance(error, RetryLater)
            if not reads:
                if later and run.is_last_try:
                    self.accounts.mark_error(account.id, error)
                if run.is_scheduled and type(error) in (DeclarationRefused, MeterTaken):
                    raise AirflowSkipException(str(error)) from None  # a household's typing error is no failed run
                raise
            if isinstance(error, HouseholdHasLeft) or (later and not run.is_last_try):
                raise
            self.log.warning("%s Its known meters are still read, under the consents that they have.", error)
            return self.accounts.read_document(account.id)

    def _has_nothing_to_do(self, account: Account) -> bool:
        """Return whether nothing is left to do: days of a right that is over may still be asked for or removed."""
        from include.gas.documents.disallowed_days import find_disallowed_days

        today = paris_today(datetime.now(UTC))
        return not any(
            (each.is_open and each.word != "active")
            or find_disallowed_days(self.couchdb, account.id, each.pce, each.days, today)
            for each in account.meters
        )
