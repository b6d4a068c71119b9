"""The exchange of GRDF's code for a consent, which connects the account or ends with a :class:`Stop`."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from grdf import settings
from grdf.consents.owners.former_household import names_of, records_of_another
from grdf.consents.owners.taking import take
from grdf.consents.room import Room
from grdf.hooks.adict import AdictHook
from grdf.hooks.connection import connection_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.data_token import MemoryShelf
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.attempt import Attempt
from grdf.page.list.mirror import mirror
from grdf.quota.shared_quota import governor_for
from grdf.quota.terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks, Standing
from grdf.stores.once import Once
from grdf.stores.shared_client import shared_client
from include.gas.account.account import Account
from include.gas.account.connected import check_connectable, connected, deletions
from include.gas.account.sections.client import DEFAULT, bound
from include.gas.answers.access_rights import AccessRight, Rights
from include.gas.consents.consent import Consent, own_right, told
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import Document, account_range
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    ClientUnknown,
    FailNow,
    GasError,
    GrantRefused,
    IdTokenRefused,
    LinkCallsSpent,
    MeterTaken,
    RetryLater,
)

log = logging.getLogger(__name__)

CALLS = 2
"""Calls to GRDF needed to connect a household: one to exchange the code, one to ask what its consents cover."""
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


@dataclass(frozen=True)
class Connected:
    """A connected account.

    :param meters: the consent for each meter, with the right that GRDF lists for it; ``None`` if GRDF could not say
    :param others: numbers of the account's other meters, which the new consent does not name
    :param known: whether the account was there before, so that Airflow may know its DAG and have run it today
    """

    account: str
    meters: tuple[tuple[Consent, AccessRight | None], ...]
    others: tuple[str, ...]
    known: bool


def couchdb() -> CouchDBHook:
    """Return a hook for CouchDB that gives up soon, because a person is waiting."""
    return CouchDBHook(timeout=LOOK_UP, patience=1)


@dataclass(frozen=True)
class Place:
    """Where an account is connected.

    :param known: whether it exists
    :param connection: the client that it belongs to, or gets
    """

    known: bool
    connection: str


def place(account: str) -> Place:
    """Check that an account may be connected, and return with which client.

    :raises GasError: if it may not be connected, its client is none of ours, or CouchDB cannot be read
    """
    document = couchdb().get(ACCOUNT, account)
    known = check_connectable(document) is not None
    return Place(known, client_for_new() if document is None else connection_of(document))


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
    return Room(meters).take()


def finish(attempt: Attempt, code: str, *, by: str, may_see: Callable[[str], bool] = lambda _: False) -> Connected:
    """Exchange the code, check the ``id_token``, and store the consents.

    :param attempt: an attempt that has been checked against GRDF's answer
    :param code: the authorization code in that answer
    :param by: name of the user who connects the account, for the record
    :param may_see: returns whether that user may see another account. If so, a message may name that account
    :raises Stop: if the account could not be connected; it is then unchanged
    """
    account, store = attempt.state.account, couchdb()
    try:
        known = _check_before(store, attempt)
        former = known.meters if known else ()
        give_back, called = _take(store, attempt), threading.Event()
        try:
            found = _connect(store, attempt, code, by, former, on_sent=called.set)
        except Exception as error:
            give_back(error, called=called.is_set())
            raise
    except GasError as error:
        raise stop_for(error, household=attempt.link is not None, may_see=may_see) from error
    log.info("Account %s: connected, with %d meter(s).", account, len(found))
    named = {consent.pce for consent, _ in found}
    others = tuple(meter.pce for meter in former if meter.pce not in named)
    return Connected(account, found, others, known is not None)


def _check_before(store: CouchDBHook, attempt: Attempt) -> Account | None:
    """Check before the code is spent that the account may be connected, and return it if it exists."""
    account = attempt.state.account
    document = store.get(ACCOUNT, account)
    known = check_connectable(document)
    if not attempt.link and deletions_now(store, account) != attempt.deletions:  # a deletion voids links itself
        raise Stop("deleted", 409)
    new = bound({"account": account}, attempt.connection)  # a connection that is not listed any more gets none
    if connection_of(document or new) != attempt.connection:
        raise Stop("changed", 409)
    return known


def _connect(
    store: CouchDBHook, attempt: Attempt, code: str, by: str, known: Sequence[Consent], *, on_sent: Callable[[], object]
) -> tuple[tuple[Consent, AccessRight | None], ...]:
    """Exchange the code and store the consents. Return them with the rights that GRDF lists for them."""
    account, client = attempt.state.account, adict(store, attempt.connection)
    consents = _consents(GrdfOAuthHook(attempt.connection), attempt, code, on_sent=on_sent)
    asked_at = datetime.now(UTC)
    rights = _rights(client, [*consents, *known], attempt)  # those to its other meters tell whose the account is
    given = {consent.id_accreditation for consent in consents}
    brought = [right for right in rights if right.id in given]
    today = paris_today(asked_at)
    found = tuple((consent, own_right(consent, rights, today)) for consent in consents)
    meters = [_dated(consent, rights, today, asked_at) for consent in consents]
    now = datetime.now(UTC)

    def change(stored: Document | None) -> Document:
        if stored is not None and connection_of(stored) != attempt.connection:
            raise Stop("changed", 409)
        new = connected(stored, account, meters, at=now, by=by, connection=attempt.connection)
        _check_still_wanted(store, attempt)  # this may have changed during the calls to GRDF
        if others := records_of_another(store, account, stored, brought, rights):
            raise _another(attempt, brought, others)
        return new

    def write() -> Document:
        return AccountStore(store).save(account, change)

    def ask(pces: list[str]) -> Rights:
        return client.listed_rights(pces, account=account, terms=_terms(attempt))

    take(store, account, consents, write, ask=ask, adict=client)
    return found


def end(attempt: Attempt) -> None:
    """Mark an attempt that GRDF has ended without a code as used. A household's link stays valid.

    :param attempt: an attempt that has been checked against GRDF's answer
    :raises Stop: if the attempt was already used
    """
    if not Once(couchdb()).take(attempt.state.id, attempt.state.until):
        raise Stop("used", 409)


def _take(store: CouchDBHook, attempt: Attempt) -> Callable[..., None]:
    """Mark the attempt and the household's link as used, before the code is sent to GRDF.

    Return a function that undoes it after an error.
    """
    once, state, link, links = Once(store), attempt.state, attempt.link, HouseholdLinks(store)
    if link and links.standing(state.account, link.id) == "void":
        raise Stop("link_void", 410)
    if not once.take(state.id, state.until):
        raise Stop("used", 409)
    if link:
        try:
            let_pass(links.take(state.account, link.id))
        except RetryLater:
            once.release(state.id, state.until)
            raise

    def give_back(error: Exception, *, called: bool) -> None:
        if link:  # whatever the error, the link has not connected the household
            links.give_back(state.account, link.id, untried=not called)
        if isinstance(error, RetryLater):  # the code may still be valid: reloading the page tries it again
            once.release(state.id, state.until)

    return give_back


def check_link_calls(oauth: GrdfOAuthHook) -> None:
    """Raise :class:`Stop` if links may start no more calls today."""
    if governor_for(oauth.facts).left("link") < CALLS:
        log.warning("The day's calls that household links may start are used up.")
        raise Stop("link_busy", 503)


def let_pass(standing: Standing) -> None:
    """Raise :class:`Stop` unless a household's link is valid."""
    if standing != "good":
        raise Stop(f"link_{standing}", 409 if standing == "used" else 410)


def _another(attempt: Attempt, brought: Sequence[AccessRight], others: Sequence[ConsentRecord]) -> Stop:
    """Return what stops somebody who is not of the account's household, and tell the operator.

    :param others: the records of consent that name another holder
    """
    told = names_of(others)
    log.warning(
        "Account %s: a household was not connected on GRDF's site, since GRDF names another holder than the account's "
        "record of consent %s. Give it an account of its own. Its right %s stays at GRDF, unused.",
        attempt.state.account, told, ", ".join(right.id for right in brought),
    )  # fmt: skip
    return Stop("another.household", 409) if attempt.link else Stop("another", 409, told)


def _check_still_wanted(store: CouchDBHook, attempt: Attempt) -> None:
    """Raise :class:`Stop` if the attempt is no longer valid.

    That is the case if its link has been taken back or replaced since it was used, or if a deletion of the account has
    begun or ended since the attempt began.
    """
    if attempt.link and HouseholdLinks(store).standing(attempt.state.account, attempt.link.id) != "used":
        raise Stop("link_void", 410)
    if deletions_now(store, attempt.state.account) != attempt.deletions:
        raise Stop("deleted", 409)


def deletions_now(store: CouchDBHook, account: str) -> str:
    """Return a value that identifies the deletions of an account so far."""
    return deletions(store.range(AUDIT, *account_range(account)))


def _consents(
    oauth: GrdfOAuthHook, attempt: Attempt, code: str, *, on_sent: Callable[[], object]
) -> tuple[Consent, ...]:
    account = attempt.state.account
    token = oauth.exchange_code(
        code,
        attempt.redirect_uri,
        account=account,
        code_verifier=attempt.verifier or None,
        terms=Terms("link" if attempt.link else "connect", longest_wait=PATIENCE),
        on_sent=on_sent,
    )
    return oauth.consents_of(token, account=account, nonce=attempt.nonce)


def _rights(client: AdictHook, consents: Iterable[Consent], attempt: Attempt) -> tuple[AccessRight, ...]:
    """Ask GRDF what the consents cover, which an ``id_token`` does not say.

    If that fails, return nothing; the account's first run asks again.
    """
    try:
        return client.access_rights(
            sorted({consent.pce for consent in consents}), account=attempt.state.account, terms=_terms(attempt)
        )
    except GasError as error:
        log.warning("It is not known yet which days the consents cover; the first run asks again. %s", error)
        return ()


def _dated(consent: Consent, rights: tuple[AccessRight, ...], today: date, asked_at: datetime) -> Consent:
    """Add the dates of its access right to a consent, if GRDF has listed that right."""
    listed = any(right.id == consent.id_accreditation for right in rights)
    return told(consent, rights, today, asked_at) if listed else consent


def adict(store: CouchDBHook, connection: str) -> AdictHook:
    """Return a hook for ADICT. The API server cannot write Variables, so it has a data token of its own.

    :param connection: the connection of the client
    """
    return shared_client(store, DEFAULT, shelf=MemoryShelf, seconds=PATIENCE).named(connection)


def _terms(attempt: Attempt) -> Terms:
    """Return the quota terms for the calls after the exchange of the code."""
    return Terms("link" if attempt.link else "connect", longest_wait=PATIENCE)


_STOPS = (
    (AccountLeaving, "leaving", 409),
    (ClientUnknown, "settings", 502),
    (BadAccount, "not_ours", 409),
    (GrantRefused, "code_refused", 400),
    (IdTokenRefused, "token_refused", 502),
    (FailNow, "settings", 502),
)
"""Which page an error is shown on. The first that fits counts."""


def stop_for(error: Exception, *, household: bool = False, may_see: Callable[[str], bool] = lambda _: False) -> Stop:
    """Return the :class:`Stop` for an error, which decides what page is shown."""
    if isinstance(error, Stop):
        return error
    if isinstance(error, MeterTaken):
        log.warning("%s The other account: %s.", error, error.holder)
        if household:  # a household must not learn about other accounts
            return Stop("meter_taken.household", 409)
        return Stop("meter_taken", 409, f"{error} It is {error.holder}." if may_see(error.holder) else error)
    for kind, key, status in _STOPS:
        if isinstance(error, kind):
            return Stop(key, status, error)
    if isinstance(error, LinkCallsSpent):
        log.warning("%s", error)
        return Stop("link_busy", 503)
    # Only log the error: it names servers and settings, and mentions a retry, which does not happen here.
    log.warning("A household could not be connected at the moment, and was asked to reload the page. %s", error)
    return Stop("down", 503)
