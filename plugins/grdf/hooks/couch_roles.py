"""The two roles of a login in CouchDB.

The connection ``couchdb`` is an ordinary member of this project's databases. It is used for all reading and writing of
documents. ``couchdb_admin`` is a server administrator; only an administrator may create databases, decide who can
access them, and purge. Only the set-up (:mod:`grdf.couchdb_setup`) and the deletion use it. If Airflow has no
connection of that name, ``couchdb`` is used for both.
"""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf.hooks.couchdb import CouchDBHook
from include.gas.errors import BadSettings

ADMIN_CONN_ID = "couchdb_admin"


def has_administrator() -> bool:
    """Return whether Airflow has a connection for an administrator."""
    try:
        BaseHook.get_connection(ADMIN_CONN_ID)
    except AirflowNotFoundException:
        return False
    except ValueError:  # it exists but cannot be read; the hook reports that
        return True
    return True


def administrator(ordinary: CouchDBHook) -> CouchDBHook:
    """Return a hook with an administrator's rights on the same databases.

    :param ordinary: the hook for everything else; returned as it is if there is no administrator's connection
    :raises BadSettings: if the two connections name different databases
    """
    if not has_administrator():
        return ordinary
    hook = ordinary.with_connection(ADMIN_CONN_ID)
    hook.get_conn()
    ordinary.get_conn()
    if hook.prefix != ordinary.prefix:
        raise BadSettings.about(
            account=None,
            cause=f"the Airflow connections {ordinary.couchdb_conn_id} and {ADMIN_CONN_ID} name different databases: "
            f"their database_prefix is {ordinary.prefix!r} and {hook.prefix!r}",
            next_step="Nothing was done. Give both the same database_prefix.",
        )
    return hook
