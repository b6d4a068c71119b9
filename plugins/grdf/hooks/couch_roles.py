"""The two roles of a login in CouchDB.

The connection ``couchdb`` is an ordinary member of this project's databases and serves for everything: reading and
writing documents. ``couchdb_admin`` is a server administrator, which alone may make databases, say who comes into them,
and purge: it is read by the set-up (:mod:`grdf.couchdb_setup`) and by the deletion, and by nothing else. Where Airflow
has no connection of that name, ``couchdb`` serves for both.
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
    except ValueError:  # there is one, which cannot be read: the hook says so
        return True
    return True


def administrator(ordinary: CouchDBHook) -> CouchDBHook:
    """Return the hook with an administrator's rights on the same databases.

    :param ordinary: the hook for everything else; itself where there is no other connection
    :raises BadSettings: when the two connections do not name the same databases
    """
    if not has_administrator():
        return ordinary
    hook = CouchDBHook(ADMIN_CONN_ID)
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
