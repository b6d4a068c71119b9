"""What our operators have in common: connections, clients, staging, and what happens after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy
from grdf.staging.area import Staging
from include.gas.account.sections.client import DEFAULT
from include.gas.errors import BadSettings

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.accounts.account_store import AccountStore


class GrdfOperator(BaseOperator):
    """A task of one of our DAGs. Its clients are created on first use, when the task runs.

    :param grdf_conn_id: Airflow connection with GRDF's address and our client's credentials, for accounts that name
        none. Any other than the usual one is for DAGs of your own, which then know no other client
    :param couchdb_conn_id: Airflow connection of the CouchDB that holds accounts and gas days
    """

    def __init__(self, *, grdf_conn_id: str = DEFAULT, couchdb_conn_id: str = "couchdb", **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", GasRetryPolicy())
        super().__init__(**kwargs)
        self.grdf_conn_id = grdf_conn_id
        self.couchdb_conn_id = couchdb_conn_id

    @cached_property
    def couchdb(self) -> CouchDBHook:
        """The hook for CouchDB. It is imported when a task runs, to keep parsing the DAG file cheap."""
        from grdf.hooks.couchdb import CouchDBHook

        return CouchDBHook(self.couchdb_conn_id)

    @cached_property
    def accounts(self) -> AccountStore:
        """The store of account documents."""
        from grdf.stores.accounts.account_store import AccountStore

        return AccountStore(self.couchdb)

    @cached_property
    def adict(self) -> AdictHook:
        """The hook for ADICT, with the token that all workers share. ``adict.of(document)`` is an account's client."""
        from grdf.stores.shared_client import shared_client

        return shared_client(self.couchdb, self.grdf_conn_id)

    def clients(self) -> list[AdictHook]:
        """Return the hooks for all our clients at GRDF, in the order of ``[grdf] connections``.

        If that setting is wrong, only the usual client is known. Accounts of others then say so themselves.
        """
        try:
            listed = settings.connections() if self.grdf_conn_id == DEFAULT else (self.grdf_conn_id,)
        except BadSettings as error:
            self.log.error("%s Only accounts of %s are served.", error, DEFAULT)
            listed = (DEFAULT,)
        return [self.adict.named(conn_id) for conn_id in listed]

    @property
    def staging(self) -> Staging:
        """The place where raw answers wait."""
        return Staging(settings.staging_url(), settings.staging_conn_id())


class AccountOperator(GrdfOperator):
    """A task that works for one account.

    :param account_id: the account's id (templated)
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account_id = account_id
