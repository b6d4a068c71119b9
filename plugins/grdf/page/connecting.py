"""From the code that GRDF has sent to a connected account, once, or to a reason why not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from grdf.hooks.accounts import AccountStore
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.household_links import HouseholdLinks
from grdf.hooks.lease import lease
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page import link_tries
from grdf.page.api_server import FirstRun, ServerShelf, start_first_run
from grdf.page.attempt import Attempt
from grdf.page.once import Once
from grdf.taking import take
from include.gas.connecting import check_connectable, connected
from include.gas.consents import AccessRight, Consent, Rights, own_right, told
from include.gas.days import paris_today
from include.gas.documents import ACCOUNT, Document, dag_id
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    FailNow,
    GasError,
    GrantRefused,
    IdTokenRefused,
    LinkCallsSpent,
    MeterTaken,
    RetryLater,
)

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds that a person waits for GRDF's quota at most."""
LOOK_UP = (3.05, 15.0)
"""Seconds to wait for CouchDB to connect, and to answer."""


class Stop(Exception):
    """A household cannot be connected, or not now; a page says why.

    :param key: the texts that say so: ``connect.<key>.title``, ``.what``, ``.next``
    :param status: HTTP status
    :param cause: goes into the texts; free of secrets
    """

    def __init__(self, key: str, status: int, cause: object = "") -> None:
        super().__init__(key)
        self.key = f"connect.{key}"
        self.status = status
        self.cause = str(cause)


@dataclass(frozen=True)
class Connected:
    """What has come of it.

    :param account: the account's id
    :param meters: for each meter, the consent and the right that GRDF lists for it, if GRDF could say
    :param others: further meters of the account, which this consent does not name
    :param first_run: how its first run comes about
    """

    account: str
    meters: tuple[tuple[Consent, AccessRight | None], ...]
    others: tuple[str, ...]
    first_run: FirstRun


def couchdb() -> CouchDBHook:
    """Give CouchDB, with the patience of a person."""
    return CouchDBHook(timeout=LOOK_UP, patience=1)


def check(account: str) -> bool:
    """Look whether an account may be connected, and tell whether it exists already.

    :param account: its id
    :raises Stop: when it may not
    """
    try:
        return check_connectable(couchdb().get(ACCOUNT, account)) is not None
    except GasError as error:
        raise _stop(error) from error


def new_link(account: str, link: str, until: float) -> None:
    """Let a new link for an account's household be good, and no former one any more.

    :param account: the account's id
    :param link: names the link
    :param until: when it is over, epoch seconds
    :raises Stop: when CouchDB does not take it
    """
    try:
        HouseholdLinks(couchdb()).make(account, link, until)
    except GasError as error:
        raise _stop(error) from error


def take_link_back(account: str) -> bool:
    """Let no link for an account's household be good any more; ``False`` when none was.

    :param account: the account's id
    :raises Stop: when CouchDB does not take it
    """
    try:
        return HouseholdLinks(couchdb()).take_back(account)
    except GasError as error:
        raise _stop(error) from error


def link_good_until(account: str) -> int | None:
    """Give the moment (epoch seconds) until which a link for an account's household is good; ``None`` without one.

    :param account: the account's id
    :raises Stop: when CouchDB cannot say
    """
    try:
        return HouseholdLinks(couchdb()).good_until(account)
    except GasError as error:
        raise _stop(error) from error


def is_used(name: str, until: float) -> bool:
    """Tell whether something that may be used once was used.

    :param name: what
    :param until: as it would be taken
    :raises Stop: when CouchDB cannot say
    """
    try:
        return Once(couchdb()).is_taken(name, until)
    except GasError as error:
        raise _stop(error) from error


def check_link(link: str, account: str, until: float) -> None:
    """Look whether a household's link may be used: it connects once, and only until it is taken back.

    :param link: names the link
    :param account: the account it is for
    :param until: when it is over, epoch seconds
    :raises Stop: when it may not, or CouchDB cannot say
    """
    if is_used(link, until):
        raise Stop("link_used", 409)
    try:
        if not HouseholdLinks(couchdb()).is_good(account, link):
            raise Stop("link_void", 410)
    except GasError as error:
        raise _stop(error) from error


def check_tries(link: str, until: float, *, begins: bool) -> None:
    """Look whether a household's link may be tried (again).

    :param link: names the link
    :param until: when it is over, epoch seconds
    :param begins: whether an attempt begins now, for which calls to GRDF must be left
    :raises Stop: when it may not
    """
    try:
        if link_tries.is_used_up(Once(couchdb()), link, until):
            raise Stop("link_tried", 410)
        if begins and not link_tries.calls_left():
            log.warning("The day's calls that households' links may begin are made ([grdf] household_link_calls).")
            raise Stop("link_busy", 503)
    except GasError as error:
        raise _stop(error) from error


def finish(attempt: Attempt, code: str, *, by: str) -> Connected:
    """Exchange the code, check the ``id_token``, keep what the household consented to, and have it read.

    :param attempt: the attempt, checked
    :param code: GRDF's code
    :param by: who connects it, for the record
    :raises Stop: when it did not work; the account is then as it was
    """
    account = attempt.state.account
    store = couchdb()
    try:
        known = check_connectable(store.get(ACCOUNT, account))  # before the code is spent
        give_back = _take(store, attempt)
        try:
            consents = _consents(attempt, code)
            asked_at = datetime.now(UTC)
            rights = _rights(store, consents, attempt)
            today = paris_today(asked_at)
            found = [(consent, own_right(consent, rights, today)) for consent in consents]
            meters = [_dated(consent, rights, today, asked_at) for consent in consents]
            now = datetime.now(UTC)

            def change(stored: Document | None) -> Document:
                _check_link(store, attempt)  # it may have been taken back while GRDF was asked
                return connected(stored, account, meters, at=now, by=by)

            def write() -> Document:
                return AccountStore(store).save(account, change)

            def ask(pces: list[str]) -> Rights:
                return _adict(store, attempt).listed_rights(pces, account=account)

            take(store, account, consents, write, ask=ask, oauth=GrdfOAuthHook())
        except Exception as error:
            give_back(error)
            raise
    except GasError as error:
        raise _stop(error, household=attempt.link is not None) from error
    log.info("Account %s: connected, with %d meter(s).", account, len(consents))
    named = {consent.pce for consent in consents}
    others = tuple(meter.pce for meter in (known.meters if known else ()) if meter.pce not in named)
    return Connected(account, tuple(found), others, start_first_run(dag_id(account), by))


def end(attempt: Attempt) -> None:
    """Let an attempt that GRDF has ended without a code not be used again; a link of a household stays good.

    :param attempt: the attempt, checked
    :raises Stop: when it was used before
    """
    try:
        if not Once(couchdb()).take(attempt.state.id, attempt.state.until):
            raise Stop("used", 409)
    except GasError as error:
        raise _stop(error) from error


def _take(store: CouchDBHook, attempt: Attempt) -> Callable[[Exception], None]:
    """Use the attempt, and the household's link, before the code goes to GRDF; give what gives them back."""
    once, state, link = Once(store), attempt.state, attempt.link
    _check_link(store, attempt)
    if not once.take(state.id, state.until):
        raise Stop("used", 409)
    untried = link_tries.take(once, attempt, link) if link else None
    if link and untried is None:
        raise Stop("link_tried", 410)
    if link and not once.take(link.id, link.until):
        raise Stop("link_used", 409)

    def give_back(error: Exception) -> None:
        if untried and isinstance(error, RetryLater):
            untried()
        if link:  # whatever happened, the household has not been connected with it
            once.release(link.id, link.until)
        if isinstance(error, RetryLater):  # the code may still be good: loading the page again tries it
            once.release(state.id, state.until)

    return give_back


def _check_link(store: CouchDBHook, attempt: Attempt) -> None:
    """Stop when the household's link was taken back, or a newer one made, since the attempt began."""
    if attempt.link and not HouseholdLinks(store).is_good(attempt.state.account, attempt.link.id):
        raise Stop("link_void", 410)


def _consents(attempt: Attempt, code: str) -> tuple[Consent, ...]:
    oauth = GrdfOAuthHook()
    oauth.longest_wait = PATIENCE
    oauth.code_purpose = "link" if attempt.link else "connect"
    account = attempt.state.account
    token = oauth.exchange_code(code, attempt.redirect_uri, account=account, code_verifier=attempt.verifier or None)
    return oauth.consents_of(token, account=account, nonce=attempt.nonce)


def _rights(store: CouchDBHook, consents: tuple[Consent, ...], attempt: Attempt) -> tuple[AccessRight, ...]:
    """Ask GRDF what the consents cover, which no ``id_token`` says; the first run asks again if it cannot say now."""
    try:
        return _adict(store, attempt).access_rights(
            [consent.pce for consent in consents], account=attempt.state.account
        )
    except GasError as error:
        log.warning("How far the consents reach is not known yet; the first run asks again. %s", error)
        return ()


def _dated(consent: Consent, rights: tuple[AccessRight, ...], today: date, asked_at: datetime) -> Consent:
    """Put how far its right reaches into a consent, if GRDF could say."""
    listed = any(right.id == consent.id_accreditation for right in rights)
    return told(consent, rights, today, asked_at) if listed else consent


def _adict(store: CouchDBHook, attempt: Attempt) -> AdictHook:
    adict = AdictHook(shelf=ServerShelf(), one_at_a_time=lambda: lease(store, "data-token", seconds=PATIENCE))
    adict.oauth.longest_wait = PATIENCE
    if attempt.link:
        adict.purpose = "link"
    return adict


def _stop(error: GasError, *, household: bool = False) -> Stop:
    """Say on which page a failure ends."""
    if isinstance(error, MeterTaken):
        if not household:
            return Stop("meter_taken", 409, error)
        log.warning("%s", error)  # a household is not told of others
        return Stop("meter_taken.household", 409)
    if isinstance(error, AccountLeaving):
        return Stop("leaving", 409, error)
    if isinstance(error, BadAccount):
        return Stop("not_ours", 409, error)
    if isinstance(error, GrantRefused):
        return Stop("code_refused", 400, error)
    if isinstance(error, IdTokenRefused):
        return Stop("token_refused", 502, error)
    if isinstance(error, FailNow):
        return Stop("settings", 502, error)
    if isinstance(error, LinkCallsSpent):
        log.warning("%s", error)
        return Stop("link_busy", 503)
    # For the log alone: it names servers and settings, and speaks of a next try that nobody makes here.
    log.warning("A household could not be connected just now, and was asked to load the page again. %s", error)
    return Stop("down", 503)
