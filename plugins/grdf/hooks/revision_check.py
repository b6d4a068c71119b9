"""Has CouchDB compare the revision of a write also with documents that are gone.

CouchDB answers 201 to a write with ``_rev`` for a document that was purged: only in a database with a
``validate_doc_update`` does it look at revisions beforehand (``couch_db:before_docs_update`` of 3.5.2). So a task that
has read an account before its deletion would bring it back. An empty function is enough. It makes a write of one
document half as dear again, and one of a thousand ten times as dear, so it is only where
:class:`include.gas.documents.doctypes.Database` asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.gas.documents.doctypes import database

if TYPE_CHECKING:
    from grdf.hooks.couch_server import CouchServer

PATH = "/_design/compare-revisions"
DESIGN = {"language": "javascript", "validate_doc_update": "function () {}"}


def compare_revisions(admin: CouchServer, doctype: str) -> bool:
    """Have a database compare all revisions, if it is to, and return whether that is new.

    :param admin: the hook of an administrator
    :raises BadSettings: if the login may not change design documents
    """
    if not database(doctype).compares_revisions:
        return False
    made = admin.request("PUT", doctype, PATH, body=DESIGN)
    return made.status_code != 409 and admin.good(made).ok


def compares_revisions(couchdb: CouchServer, doctype: str) -> bool:
    """Return whether a database compares all revisions, or need not."""
    return not database(doctype).compares_revisions or couchdb.request("GET", doctype, PATH).status_code != 404
