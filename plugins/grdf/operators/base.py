"""What the operators of an account have in common: whose account it is, its connections, its clients."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from grdf.retries import GasRetryPolicy
from include.gas.days import gas_day_of
from include.gas.errors import AccountLeaving

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.accounts import AccountStore
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.accounts import Account


class AccountOperator(BaseOperator):
    """A step of an account's DAG.

    :param account_id: the account (templated)
    :param grdf_conn_id: Airflow connection with GRDF's address and our client's credentials
    :param couchdb_conn_id: Airflow connection of the CouchDB that holds accounts and gas days
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(
        self,
        *,
        account_id: str,
        grdf_conn_id: str = "grdf_adict",
        couchdb_conn_id: str = "couchdb",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("retry_policy", GasRetryPolicy())
        super().__init__(**kwargs)
        self.account_id = account_id
        self.grdf_conn_id = grdf_conn_id
        self.couchdb_conn_id = couchdb_conn_id

    @cached_property
    def couchdb(self) -> CouchDBHook:
        """The hook for CouchDB; imported when a task runs, so that reading the DAG file does not pay for it."""
        from grdf.hooks.couchdb import CouchDBHook

        return CouchDBHook(self.couchdb_conn_id)

    @cached_property
    def accounts(self) -> AccountStore:
        """The account documents."""
        from grdf.hooks.accounts import AccountStore

        return AccountStore(self.couchdb)

    @cached_property
    def adict(self) -> AdictHook:
        """The hook for ADICT, with the token that all workers share."""
        from grdf.hooks.adict import AdictHook
        from grdf.hooks.lease import lease

        return AdictHook(self.grdf_conn_id, one_at_a_time=lambda: lease(self.couchdb, "data-token"))


def stop_if_leaving(account: Account) -> None:
    """Refuse to work for a household that is leaving.

    :param account: the account
    :raises AccountLeaving: when its deletion is under way
    """
    if account.leaving:
        raise AccountLeaving.about(
            account.id, f"it is leaving (asked by {account.leaving.by}), so nothing is read or stored for it any more"
        )


def is_scheduled(context: Context) -> bool:
    """Tell whether a run was started by the timetable, and not by a person.

    :param context: Airflow's task context
    """
    return _run_type(context) == "scheduled"


def run_day(context: Context) -> date:
    """Give the gas day that a run is about.

    A scheduled or backfilled run has it as its data interval. A run started by hand may have no interval (Airflow 3:
    no logical date), and is then about the last gas day that is over.

    :param context: Airflow's task context
    """
    start = context.get("data_interval_start")
    if start is not None:
        return gas_day_of(start)
    return gas_day_of(context["dag_run"].run_after) - timedelta(days=1)


def is_backfill(context: Context) -> bool:
    """Tell whether a run was made by an Airflow backfill, and so is about its own gas day alone.

    :param context: Airflow's task context
    """
    return _run_type(context) == "backfill"


def _run_type(context: Context) -> str:
    kind = context["dag_run"].run_type
    return str(getattr(kind, "value", kind))


def is_last_try(context: Context) -> bool:
    """Tell whether Airflow will not try this task again by itself.

    :param context: Airflow's task context
    """
    ti = context["ti"]
    return ti.try_number > (ti.max_tries or 0)
