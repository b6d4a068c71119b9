"""Our operators' connections, clients, staging, and behaviour after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy
from grdf.operators.each_account import EachAccount
from grdf.staging.staged_answers import Staging
from include.gas.errors import AccountLeaving, QuotaWait

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from grdf.stores.accounts.account_store import AccountStore

SHORTEST, LONGEST = 5.0, 26 * 3600.0
"""Seconds for which a task gives up its slot: at least what a return costs, at most as long as calls count."""


class GrdfOperator(BaseOperator):
    """A task of one of our DAGs, with clients made on first use. A subclass defines ``perform``.

    If it may not call GRDF yet, it gives up its slot until its turn: *up for reschedule*, without using up a try. A bug
    that ``each_account`` noted fails it once all is done.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", GasRetryPolicy())
        super().__init__(**kwargs)

    def execute(self, context: Context) -> Any:
        """Run the task in Airflow."""
        self.each_account = EachAccount(self.log)
        try:
            result = self.perform(context)
        except QuotaWait as wait:
            self.log.info("%s", wait)
            seconds = min(max(SHORTEST, wait.retry_after or 0.0), LONGEST)
            moment = datetime.now(UTC) + timedelta(seconds=seconds)
            raise AirflowRescheduleException(moment) from None  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.each_account.raise_bug()
        return result

    def perform(self, context: Context) -> Any:
        """Do the work, inside or outside of Airflow."""
        raise NotImplementedError

    @cached_property
    def couchdb(self) -> CouchDBHook:
        """The hook for CouchDB, imported in a task only: parsing a DAG file stays cheap."""
        from grdf.hooks.couchdb import CouchDBHook

        return CouchDBHook()

    @cached_property
    def accounts(self) -> AccountStore:
        """The store of account documents."""
        from grdf.stores.accounts.account_store import AccountStore

        return AccountStore(self.couchdb)

    @cached_property
    def ledger(self) -> Ledger:
        """The meters' documents."""
        from grdf.ledger.rights_ledger import Ledger

        return Ledger(self.couchdb)

    @cached_property
    def adict(self) -> AdictHook:
        """The hook for ADICT; ``adict.for_account(document)`` is an account's client."""
        from grdf.hooks.adict import AdictHook

        return AdictHook()

    def clients(self) -> list[AdictHook]:
        """Return the hooks for all our clients, or the usual one if ``[grdf] connections`` is wrong."""
        return [self.adict.for_connection(conn_id) for conn_id in settings.connections.or_default()]

    @property
    def staging(self) -> Staging:
        """The place where raw answers wait."""
        return Staging(settings.staging_url())


class AccountOperator(GrdfOperator):
    """A task for one account (``account_id`` is templated)."""

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account_id = account_id


class AccountRunOperator(AccountOperator):
    """A task that reads an account: it is skipped if the household has left or leaves meanwhile."""

    def execute(self, context: Context) -> Any:
        """Run the task in Airflow."""
        try:
            return super().execute(context)
        except AccountLeaving as leaving:
            raise AirflowSkipException(str(leaving)) from None
