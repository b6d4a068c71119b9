"""Whether and with which client an account may be connected, and the page's own address."""

from __future__ import annotations

from urllib.parse import urlsplit

from grdf.hooks.connection import LOOPBACK, connection_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import CALLBACK, GrdfOAuthHook
from grdf.ledger.client_choice import choose_client, count_client_meters
from grdf.page.list.shared_mirrors import all_meters
from include.gas.account.client import DEFAULT
from include.gas.account.connection_documents import check_connectable
from include.gas.documents.day_documents import Document, account_range
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.errors import BadAccount, GasError
from include.gas.leaving.deletion import left_accounts

LOOK_UP = (3.05, 15.0)
"""Connect and read timeouts for CouchDB, in seconds."""


def couchdb() -> CouchDBHook:
    """Return an impatient hook for CouchDB: a person waits."""
    return CouchDBHook(timeout=LOOK_UP, patience=1)


def find_connectable_account(account: str) -> tuple[Document | None, str]:
    """Return a connectable account's document, if it exists, and its client; otherwise ``GasError``."""
    store = couchdb()
    document = store.get(ACCOUNT, account)
    check_connectable(document)
    if account in left_accounts(store.range(AUDIT, *account_range(account))):
        raise BadAccount.about(
            account,
            "its household has left or leaves, and the id of an account is not used again",
            "Choose a new id. A household that comes back connects as a new account.",
        )
    return document, connection_of(document) if document else choose_client(count_client_meters(all_meters))


def sandbox_mailbox(connection: str = DEFAULT) -> str:
    """Return the page with GRDF's e-mails and sample bills if GRDF is the sandbox on this machine; otherwise ``""``."""
    try:
        api = urlsplit(GrdfOAuthHook(connection).facts.api_base)
    except GasError:
        return ""
    return f"{api.scheme}://{api.netloc}/sandbox/mailbox" if api.hostname in LOOPBACK else ""


def page_address(connection: str) -> str:
    """Return the page's address as GRDF and households see it; ``BadSettings`` if it is unknown."""
    return GrdfOAuthHook(connection).redirect_uri.rstrip("/").removesuffix(CALLBACK)
