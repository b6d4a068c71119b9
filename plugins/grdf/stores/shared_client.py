"""Our clients at GRDF, each with the data token that all workers share, and the lease under which it is renewed."""

from __future__ import annotations

from collections.abc import Callable

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.data_token import TokenShelf, variable_of
from grdf.stores.lease import lease
from include.gas.account.sections.client import DEFAULT

LEASE = "data-token"


def shared_client(couchdb: CouchDBHook, conn_id: str, *, shelf: Callable[..., TokenShelf] | None = None) -> AdictHook:
    """Return the hook for the client of a connection, which also leads to all others.

    :param shelf: makes the place of a token, given the name of its Variable; ``None`` for the one of tasks
    """
    name = LEASE if conn_id == DEFAULT else f"{LEASE}-{conn_id}"
    return AdictHook(
        conn_id,
        shelf=shelf(variable=variable_of(conn_id)) if shelf else None,
        one_at_a_time=lambda: lease(couchdb, name),
        sibling=lambda other: shared_client(couchdb, other, shelf=shelf),
    )
