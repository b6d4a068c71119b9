"""From the code that GRDF has sent to a connected account, once, or to a reason why not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from grdf.consents.taking import take
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.api_server import FirstRun, ServerShelf, start_first_run
from grdf.page.connect.attempt import Attempt
from grdf.quota.shared_quota import governor_for
from grdf.quota.terms import Terms
from grdf.stores.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks, Standing
from grdf.stores.lease import lease
from grdf.stores.once import Once
from include.gas.account.connected import check_connectable, connected, deletions
from include.gas.answers.access_rights import AccessRight, Rights
from include.gas.consents.consent import Consent, own_right, told
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import Document, account_range, dag_id
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

CALLS = 2
"""Calls to GRDF that a household's connection takes: its code, and how far its consents reach."""
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
    """Return CouchDB, with the patience of a person."""
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
    """Return the moment (epoch seconds) until which a link for an account's household is good; ``None`` without one.

    :param account: the account's id
    :raises Stop: when CouchDB cannot say
    """
    try:
        return HouseholdLinks(couchdb()).good_until(account)
    except GasError as error:
        raise _stop(error) from error


def check_link(link: str, account: str) -> None:
    """Look whether a household's link may be used: it connects once, and only until it is taken back.

    :param link: names the link
    :param account: the account it is for
    :raises Stop: when it may not, or CouchDB cannot say
    """
    try:
        _let_pass(HouseholdLinks(couchdb()).standing(account, link))
    except GasError as error:
        raise _stop(error) from error


def begin_with_link(link: str, account: str) -> None:
    """Count an attempt that begins with a household's link, for which calls to GRDF must be left.

    :param link: names the link
    :param account: the account it is for
    :raises Stop: when none may begin
    """
    try:
        if governor_for(GrdfOAuthHook().facts).left("link") < CALLS:
            log.warning("The day's calls that household links may start are used up ([grdf] household_link_calls).")
            raise Stop("link_busy", 503)
        _let_pass(HouseholdLinks(couchdb()).begin(account, link))
    except GasError as error:
        raise _stop(error) from error


def deletions_of(account: str) -> str:
    """Name which deletions of an account there have been, for an attempt that begins now.

    :param account: the account's id
    :raises Stop: when CouchDB cannot say
    """
    try:
        return _deletions(couchdb(), account)
    except GasError as error:
        raise _stop(error) from error


def finish(attempt: Attempt, code: str, *, by: str, may_see: Callable[[str], bool] = lambda _: False) -> Connected:
    """Exchange the code, check the ``id_token``, keep what the household consented to, and have it read.

    :param attempt: the attempt, checked
    :param code: GRDF's code
    :param by: who connects it, for the record
    :param may_see: tells whether who connects it may see another account, which is then named
    :raises Stop: when it did not work; the account is then as it was
    """
    account = attempt.state.account
    store = couchdb()
    try:
        known = check_connectable(store.get(ACCOUNT, account))  # before the code is spent
        if not attempt.link and _deletions(store, account) != attempt.deletions:  # a deletion voids links, which say so
            raise Stop("deleted", 409)
        give_back, oauth, called = _take(store, attempt), GrdfOAuthHook(), threading.Event()
        try:
            consents = _consents(oauth, attempt, code, on_sent=called.set)
            asked_at = datetime.now(UTC)
            rights = _rights(store, consents, attempt)
            today = paris_today(asked_at)
            found = [(consent, own_right(consent, rights, today)) for consent in consents]
            meters = [_dated(consent, rights, today, asked_at) for consent in consents]
            now = datetime.now(UTC)

            def change(stored: Document | None) -> Document:
                new = connected(stored, account, meters, at=now, by=by)
                _check_still_wanted(store, attempt)  # it may have ended while GRDF was asked
                return new

            def write() -> Document:
                return AccountStore(store).save(account, change)

            def ask(pces: list[str]) -> Rights:
                return _adict(store).listed_rights(pces, account=account, terms=_terms(attempt))

            take(store, account, consents, write, ask=ask, oauth=oauth)
        except Exception as error:
            give_back(error, called=called.is_set())
            raise
    except GasError as error:
        raise _stop(error, household=attempt.link is not None, may_see=may_see) from error
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


def _take(store: CouchDBHook, attempt: Attempt) -> Callable[..., None]:
    """Use the attempt, and the household's link, before the code goes to GRDF; give what gives them back."""
    once, state, link, links = Once(store), attempt.state, attempt.link, HouseholdLinks(store)
    if link and links.standing(state.account, link.id) == "void":
        raise Stop("link_void", 410)
    if not once.take(state.id, state.until):
        raise Stop("used", 409)
    if link:
        try:
            _let_pass(links.take(state.account, link.id))
        except RetryLater:
            once.release(state.id, state.until)
            raise

    def give_back(error: Exception, *, called: bool) -> None:
        if link:  # whatever happened, the household has not been connected with it
            links.give_back(state.account, link.id, untried=not called)
        if isinstance(error, RetryLater):  # the code may still be good: loading the page again tries it
            once.release(state.id, state.until)

    return give_back


def _let_pass(standing: Standing) -> None:
    """Stop unless a household's link is good."""
    if standing != "good":
        raise Stop(f"link_{standing}", 409 if standing == "used" else 410)


def _check_still_wanted(store: CouchDBHook, attempt: Attempt) -> None:
    """Stop when the attempt has been overtaken.

    The household's link was taken back or replaced since it was used for it, or a deletion of the account has begun or
    ended since it began.
    """
    if attempt.link and HouseholdLinks(store).standing(attempt.state.account, attempt.link.id) != "used":
        raise Stop("link_void", 410)
    if _deletions(store, attempt.state.account) != attempt.deletions:
        raise Stop("deleted", 409)


def _deletions(store: CouchDBHook, account: str) -> str:
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


def _rights(store: CouchDBHook, consents: tuple[Consent, ...], attempt: Attempt) -> tuple[AccessRight, ...]:
    """Ask GRDF what the consents cover, which no ``id_token`` says; the first run asks again if it cannot say now."""
    try:
        return _adict(store).access_rights(
            [consent.pce for consent in consents], account=attempt.state.account, terms=_terms(attempt)
        )
    except GasError as error:
        log.warning("It is not known yet which days the consents cover; the first run asks again. %s", error)
        return ()


def _dated(consent: Consent, rights: tuple[AccessRight, ...], today: date, asked_at: datetime) -> Consent:
    """Put how far its right reaches into a consent, if GRDF could say."""
    listed = any(right.id == consent.id_accreditation for right in rights)
    return told(consent, rights, today, asked_at) if listed else consent


def _adict(store: CouchDBHook) -> AdictHook:
    return AdictHook(shelf=ServerShelf(), one_at_a_time=lambda: lease(store, "data-token", seconds=PATIENCE))


def _terms(attempt: Attempt) -> Terms:
    """Return the terms of the calls that follow the code's."""
    return Terms("link" if attempt.link else "daily", longest_wait=PATIENCE)


def _stop(error: GasError, *, household: bool = False, may_see: Callable[[str], bool] = lambda _: False) -> Stop:
    """Say on which page a failure ends."""
    if isinstance(error, MeterTaken):
        log.warning("%s The other account: %s.", error, error.holder)
        if household:  # is not told of others
            return Stop("meter_taken.household", 409)
        return Stop("meter_taken", 409, f"{error} It is {error.holder}." if may_see(error.holder) else error)
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
    log.warning("A household could not be connected at the moment, and was asked to reload the page. %s", error)
    return Stop("down", 503)
