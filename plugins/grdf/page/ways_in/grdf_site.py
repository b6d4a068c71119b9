"""Client Connect: the way to GRDF's own site, and ``/callback``, to which GRDF sends the household's browser back."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.hooks.oauth import CALLBACK, GrdfOAuthHook
from grdf.page.connect.attempt import COOKIE, Attempt
from grdf.page.connect.opener import Opener, by_link, by_login, let_pass
from grdf.page.connect.place import couchdb, page_address, place
from grdf.page.connect.stop import Stop
from grdf.page.security import VisitorIfAnyDep
from grdf.page.ways_in.start_page import start_page
from grdf.quota.terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.connected import connected, login_hint
from include.gas.account.grant import IdToken
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

log = logging.getLogger(__name__)
router = APIRouter()

HOLDER = ("first_name", "last_name", "email")
"""The person who will consent, as typed into the form. Passed on to GRDF and not stored."""
ERRORS_OF_THE_HOUSEHOLD = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})
PATIENCE = 20.0
"""Maximum seconds to wait for GRDF's quota, because a person is waiting."""


def to_grdf(request: Request, opener: Opener, sent: FormData) -> Response:
    """Redirect the browser to GRDF. If the fields of the form are not valid, show the form again.

    :raises Stop: if the form was opened at an address other than the callback's
    """
    connection = place(opener.account).connection
    hook = GrdfOAuthHook(connection)
    facts, back = hook.facts, urlsplit(hook.redirect_uri)
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != back.netloc:  # the cookie would be missing when GRDF leads back
        again = f"{page_address(connection)}{opener.path()}"
        raise Stop("other_address", 409, f"{back.scheme}://{back.netloc}", again)
    holder = {name: str(sent.get(name, "")) for name in HOLDER}
    try:
        hint = login_hint(**holder, third_party=settings.third_party())
    except ValueError:
        return start_page(request, opener, holder=holder)
    attempt = Attempt(opener.account, connection, opener.token)
    answer = RedirectResponse(attempt.authorize_url(facts, back.geturl(), hint), 303)
    attempt.give_to(answer, request.scope["root_path"] + CALLBACK, https=back.scheme == "https")
    return answer


@router.get(CALLBACK)
@router.get(f"{CALLBACK}/")  # a redirect would send the code again, behind a proxy perhaps over plain HTTP
def callback(
    request: Request,
    visitor: VisitorIfAnyDep,
    state: str = "",
    code: str = "",
    error: str = "",
    iss: str = "",
    client_id: str = "",
) -> Response:
    """Handle GRDF's answer: check that it belongs to an attempt of this browser, and lead to the page that follows."""
    base, attempt = request.scope["root_path"], Attempt.kept_by(request, state)
    request.state.again = f"{base}/connect/" if visitor else ""
    if attempt is None:
        raise Stop("other_browser", 400)
    opener = by_link(request, attempt.token) if attempt.token else by_login(visitor, attempt.account)
    request.state.again = f"{base}{opener.path()}"
    _check_sender(attempt, iss, client_id)
    if error:
        raise Stop("refused", 200) if error in ERRORS_OF_THE_HOUSEHOLD else Stop("grdf_error", 502, _word(error))
    if not code:
        raise Stop("no_code", 400)
    finish(attempt, opener, code)
    answer = opener.follow(request)
    answer.delete_cookie(COOKIE + state, base + CALLBACK)
    return answer


def finish(attempt: Attempt, opener: Opener, code: str) -> None:
    """Exchange the code, which must be at once, and leave its ``id_token`` on the account, as cozy-stack does.

    Whose the meters are is decided by the account's run. A code works once, as GRDF sees to; so does a link.

    :raises GasError: if GRDF or CouchDB does not answer, or the account cannot be connected; it is then unchanged
    :raises Stop: if the household's link is not good
    """
    store, account, now = couchdb(), opener.account, datetime.now(UTC)
    oauth, links = GrdfOAuthHook(attempt.connection), HouseholdLinks(store)
    where = place(account)._replace(connection=attempt.connection)
    where.check_unchanged(where.document)

    def change(stored: Document | None) -> Document:
        where.check_unchanged(stored)
        return connected(stored, account, token, at=now, by=opener.by, connection=attempt.connection)

    if opener.link:
        standing = links.take(account, opener.link, utc_text(now))
        let_pass(standing)
        if standing == "used":
            return
    try:
        terms = Terms("connect", longest_wait=PATIENCE)
        back = GrdfOAuthHook(attempt.connection).redirect_uri
        sent = oauth.exchange_code(code, back, account=account, code_verifier=attempt.verifier, terms=terms)
        token = IdToken(sent, attempt.nonce)
        claims = oauth.claims_of(token.token, account=account, nonce=token.nonce)
        AccountStore(store).save(account, change)
    except Exception:  # whatever the error, the link has not connected the household
        if opener.link:
            links.give_back(account, utc_text(now))
        raise
    log.info("Account %s: connected by %s, with %d meter(s).", account, opener.by, len(claims))


def _check_sender(attempt: Attempt, issuer: str, client: str) -> None:
    """Check that GRDF has answered, and this client of ours (RFC 9207; ADICT 2.2).

    :raises Stop: if somebody else is named
    """
    facts = GrdfOAuthHook(attempt.connection).facts
    hosts = {_host(url) for url in (facts.issuer, facts.authorize_url)}
    if (client and client != facts.client_id) or (issuer and _host(issuer) not in hosts):
        raise Stop("other_server", 400)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _word(error: str) -> str:
    """Return an OAuth error code to show to the user, or ``error`` if the text is not such a code."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 40 else "error"
