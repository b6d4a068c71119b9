"""The exchange of GRDF's code, which must be at once: the account is left with its ``id_token``, as cozy-stack does.

Whose the meters are is decided by the account's run.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

from grdf import settings
from grdf.hooks.connection import connection_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.room import client_with_room
from grdf.ledger.taking_in import claims_of
from grdf.page.connect.attempt import Attempt
from grdf.page.list.mirror import mirror
from grdf.quota.shared_quota import governor_for
from grdf.quota.terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks, Standing
from grdf.stores.once import Once
from include.gas.account.connected import check_connectable, connected
from include.gas.account.grant import IdToken
from include.gas.account.sections.client import bound
from include.gas.account.sections.marks import Connected
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import Document, account_range
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    ClientUnknown,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    LinkCallsSpent,
    QuotaWait,
    RetryLater,
)
from include.gas.leaving.deletion_record import all_left, is_open

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""Maximum seconds to wait for GRDF's quota, because a person is waiting."""
LOOK_UP = (3.05, 15.0)
"""Connect and read timeouts for CouchDB, in seconds."""


class Stop(Exception):
    """The household cannot be connected, or not now. A page explains why.

    :param key: names the texts ``connect.<key>.title``, ``.what`` and ``.next``
    :param status: the HTTP status of that page
    :param cause: a value for the texts; must not contain secrets
    :param again: the address for starting again, if it is not where the attempt began
    """

    def __init__(self, key: str, status: int, cause: object = "", again: str = "") -> None:
        super().__init__(key)
        self.again = again
        self.key = f"connect.{key}"
        self.status = status
        self.cause = str(cause)


class Place(NamedTuple):
    """Where an account is connected: its document, if it exists, and the client that it belongs to, or gets."""

    document: Document | None
    connection: str


def couchdb() -> CouchDBHook:
    """Return a hook for CouchDB that gives up soon, because a person is waiting."""
    return CouchDBHook(timeout=LOOK_UP, patience=1)


def place(account: str) -> Place:
    """Check that an account may be connected, and return with which client.

    :raises GasError: if it may not be connected, its client is none of ours, or CouchDB cannot be read
    :raises Stop: if its household has left
    """
    store = couchdb()
    document = store.get(ACCOUNT, account)
    check_open(store, account, document)
    return Place(document, client_for_new() if document is None else connection_of(document))


def check_open(store: CouchDBHook, account: str, document: Document | None) -> None:
    """Check that an account may be connected.

    :raises GasError: if it is being deleted, or cannot be understood
    :raises Stop: if its household has left: account ids are not used twice
    """
    check_connectable(document)
    records = store.range(AUDIT, *account_range(account))
    if account in all_left(records) or (document is None and any(map(is_open, records))):
        raise Stop("left", 409)


def client_for_new() -> str:
    """Return the connection of the client that a new account gets.

    :raises GasError: if the setting is wrong, or the accounts cannot be counted
    """
    listed = settings.connections()
    if len(listed) == 1:
        return listed[0]
    meters: Counter[str] = Counter()
    for line in mirror().lines().values():
        meters[line.client] += max(len(line.meters), 1)
    return client_with_room(meters)


def finish(attempt: Attempt, code: str, *, by: str) -> str:
    """Exchange the code, check the ``id_token``, and leave it on the account, whose run takes it in.

    :param attempt: an attempt that has been checked against GRDF's answer
    :param code: the authorization code in that answer
    :param by: name of the user who connects the account, for the record
    :return: when the account was connected, as its document says
    :raises GasError: if GRDF or CouchDB does not answer, or the account cannot be connected; it is then unchanged
    :raises Stop: likewise, with the page that says why
    """
    store, account = couchdb(), attempt.state.account
    _check_still_wanted(store, attempt, store.get(ACCOUNT, account))
    _take(store, attempt)
    try:
        return _connect(store, attempt, code, by)
    except Exception as error:
        if attempt.link:  # whatever the error, the link has not connected the household
            HouseholdLinks(store).give_back(account, attempt.state.name, untried=isinstance(error, QuotaWait))
        if isinstance(error, RetryLater):  # the code may still be valid: reloading the page tries it again
            Once(store).release(attempt.state.id, attempt.state.until)
        raise


def _connect(store: CouchDBHook, attempt: Attempt, code: str, by: str) -> str:
    account, oauth = attempt.state.account, GrdfOAuthHook(attempt.connection)
    terms = Terms("link" if attempt.link else "connect", longest_wait=PATIENCE)
    verifier = attempt.verifier or None
    sent = oauth.exchange_code(code, attempt.redirect_uri, account=account, code_verifier=verifier, terms=terms)
    token = IdToken(sent, attempt.nonce)
    claims = claims_of(oauth, token, account)
    now = datetime.now(UTC)

    def change(stored: Document | None) -> Document:
        _check_still_wanted(store, attempt, stored)  # this may have changed during the call to GRDF
        if attempt.link and HouseholdLinks(store).standing(account, attempt.link.id) != "used":
            raise Stop("link_void", 410)
        return connected(stored, account, token, at=now, by=by, connection=attempt.connection)

    document = AccountStore(store).save(account, change)
    log.info("Account %s: connected, with %d meter(s).", account, len(claims))
    return str(Connected.moment(document))


def _take(store: CouchDBHook, attempt: Attempt) -> None:
    """Mark the attempt and the household's link as used, before the code is sent to GRDF."""
    once, state, link, links = Once(store), attempt.state, attempt.link, HouseholdLinks(store)
    if link and links.standing(state.account, link.id) == "void":
        raise Stop("link_void", 410)
    if not once.take(state.id, state.until):
        raise Stop("used", 409)
    try:
        if link:
            let_pass(links.take(state.account, link.id, attempt.state.name))
    except RetryLater:
        once.release(state.id, state.until)
        raise


def check_link_calls(oauth: GrdfOAuthHook) -> None:
    """Raise :class:`Stop` if links may start no more calls today."""
    if not governor_for(oauth.facts).left("link"):
        log.warning("The day's calls that household links may start are used up.")
        raise Stop("link_busy", 503)


def let_pass(standing: Standing) -> None:
    """Raise :class:`Stop` unless a household's link is valid."""
    if standing != "good":
        raise Stop(f"link_{standing}", 409 if standing == "used" else 410)


def _check_still_wanted(store: CouchDBHook, attempt: Attempt, document: Document | None) -> None:
    """Check that the account may be connected with the attempt's client."""
    account = attempt.state.account
    check_open(store, account, document)
    new = bound({"account": account}, attempt.connection)  # a connection that is not listed any more gets none
    if connection_of(document or new) != attempt.connection:
        raise Stop("changed", 409)


_STOPS = (
    (AccountLeaving, "leaving", 409),
    (ClientUnknown, "settings", 502),
    (BadAccount, "not_ours", 409),
    (GrantRefused, "code_refused", 400),
    (IdTokenRefused, "token_refused", 502),
    (FailNow, "settings", 502),
)
"""Which page an error is shown on. The first that fits counts."""


def stop_for(error: Exception) -> Stop:
    """Return the :class:`Stop` for an error, which decides what page is shown."""
    if isinstance(error, Stop):
        return error
    for kind, key, status in _STOPS:
        if isinstance(error, kind):
            return Stop(key, status, error)
    if isinstance(error, LinkCallsSpent):
        log.warning("%s", error)
        return Stop("link_busy", 503)
    # Only log the error: it names servers and settings, and mentions a retry, which does not happen here.
    log.warning("A household could not be connected at the moment, and was asked to reload the page. %s", error)
    return Stop("down", 503)
