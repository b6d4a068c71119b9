"""What our operators have in common: connections, clients, staging, and what happens after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy
from grdf.staging.staged_answers import Staging
from include.gas.errors import QuotaWait

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from grdf.stores.accounts.account_store import AccountStore

SHORTEST, LONGEST = 5.0, 26 * 3600.0
"""Seconds that a task gives up its slot for. Returning sooner costs more than being late; no call counts for longer."""


class GrdfOperator(BaseOperator):
    """A task of one of our DAGs. Its clients are created on first use, when the task runs.

    A subclass defines ``perform``. If it may not call GRDF yet, the task gives up its slot and runs again when its turn
    has come: Airflow shows it as *up for reschedule*, and it uses up no try.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", GasRetryPolicy())
        super().__init__(**kwargs)

    def execute(self, context: Context) -> Any:
        """Run the task in Airflow."""
        try:
            return self.perform(context)
        except QuotaWait as wait:
            self.log.info("%s", wait)
            seconds = min(max(SHORTEST, wait.retry_after or 0.0), LONGEST)
            moment = datetime.now(UTC) + timedelta(seconds=seconds)
            raise AirflowRescheduleException(moment) from None  # type: ignore[no-untyped-call]  # untyped in Airflow

    def perform(self, context: Context) -> Any:
        """Run the task, wherever that is."""
        raise NotImplementedError

    @cached_property
    def couchdb(self) -> CouchDBHook:
        """The hook for CouchDB. It is imported when a task runs, to keep parsing the DAG file cheap."""
        from grdf.hooks.couchdb import CouchDBHook

        return CouchDBHook()

    @cached_property
    def accounts(self) -> AccountStore:
        """The store of account documents."""
        from grdf.stores.accounts.account_store import AccountStore

        return AccountStore(self.couchdb)

    @cached_property
    def ledger(self) -> Ledger:
        """The meters' documents, which say what each account has."""
        from grdf.ledger.rights_ledger import Ledger

        return Ledger(self.couchdb)

    @cached_property
    def adict(self) -> AdictHook:
        """The hook for ADICT, with the token that all workers share. ``adict.of(document)`` is an account's client."""
        from grdf.hooks.adict import AdictHook

        return AdictHook()

    def clients(self) -> list[AdictHook]:
        """Return the hooks for all our clients at GRDF, in the order of ``[grdf] connections``.

        If that setting is wrong, only the usual client is known. Accounts of others then say so themselves.
        """
        return [self.adict.for_connection(conn_id) for conn_id in settings.connections.or_default()]

    @property
    def staging(self) -> Staging:
        """The place where raw answers wait."""
        return Staging(settings.staging_url())


class AccountOperator(GrdfOperator):
    """A task that works for one account.

    :param account_id: the account's id (templated)
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account_id = account_id
