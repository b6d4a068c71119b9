"""The hooks of our connection types. Their ``test_connection`` is what the *Test* button of a form runs.

Airflow hands the hook what the form says: the API server under an id that it makes up for the test, a worker in memory.
So the secret that deletes is read by a *Test* only where a person has pressed the button of that very connection; no
connection is named here.
"""

from __future__ import annotations

from grdf.doctor import couch, grdf_api
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.provider import provider_info
from grdf.provider.answer import answer

GRDF = "GRDF"


class GrdfAdict(AdictHook):
    """ADICT with a connection of the type *GRDF ADICT*."""

    conn_type = provider_info.GRDF
    hook_name = "GRDF ADICT"

    def test_connection(self) -> tuple[bool, str]:
        """Ask GRDF for a token and for our access rights, and its consent page whether it knows us. Never raises."""
        return answer(self.grdf_conn_id, GRDF, lambda: grdf_api.client(self))


class GrdfDeletionSecret(GrdfOAuthHook):
    """The client that may revoke rights. This hook can only find out whether GRDF accepts it."""

    conn_name_attr = "grdf_conn_id"
    conn_type = provider_info.DELETION
    hook_name = "GRDF deletion secret"

    def test_connection(self) -> tuple[bool, str]:
        """Ask GRDF for a token, and throw it away. Never raises, never revokes anything."""
        return answer(self.grdf_conn_id, GRDF, lambda: grdf_api.deletion(self))


class GrdfCouchDB(CouchDBHook):
    """CouchDB with a connection of the type *CouchDB*."""

    conn_type = provider_info.COUCHDB
    hook_name = "CouchDB"

    def test_connection(self) -> tuple[bool, str]:
        """Look at version, clock, login and databases. Never raises, never changes anything."""
        hook = couch.hook_of_doctor(self.couchdb_conn_id)
        return answer(self.couchdb_conn_id, "CouchDB", lambda: couch.connection(hook))
