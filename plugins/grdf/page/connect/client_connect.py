"""Client Connect: the way to GRDF's site and back to ``/callback``.

API servers keep nothing: GRDF gets a random *state*, and the browser a sealed cookie named by it. So only this browser
can finish, and the code is useless without the attempt's client, verifier and nonce (RFC 7636; OpenID Connect,
3.1.3.7).
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.hooks.oauth import CALLBACK, GrdfOAuthHook
from grdf.page.connect.account_lookup import couchdb, find_connectable_account, page_address
from grdf.page.connect.forms import MINUTES, show_forms
from grdf.page.connect.opener import ConnectionStopped, Opener, by_link, by_login
from grdf.page.connect.sealed_texts import seal, unseal
from grdf.page.security import VisitorIfAnyDep
from grdf.quota.call_terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.connection_documents import document_after_consent, login_hint
from include.gas.account.grant import Grant
from include.gas.documents.day_documents import Document

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

log = logging.getLogger(__name__)
router = APIRouter()

COOKIE = "grdf_connect_"
HOLDER = ("first_name", "last_name", "email")
"""The person who will consent: passed on to GRDF and not stored."""
ERRORS_OF_THE_HOUSEHOLD = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})
ERROR_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
PATIENCE = 20.0
"""Seconds to wait for GRDF's quota: a person waits."""


@dataclass(frozen=True)
class Attempt:
    """What the browser keeps of an attempt: client, link's token (``""`` for an operator), and random values."""

    account: str
    connection: str
    token: str = field(default="", repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def authorize_url(self, facts: GrdfConnection, redirect_uri: str, hint: str) -> str:
        """Return the address of GRDF's authorization page."""
        query = {
            "response_type": "code",
            "client_id": facts.client_id,
            "scope": "openid",
            "redirect_uri": redirect_uri,
            "state": self.state,
            "nonce": self.nonce,
            # Otherwise the person logged in to GRDF in this browser consents: the operator, or the last household.
            "prompt": "login",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        if hint:
            query["login_hint"] = hint
        joint = "&" if urlsplit(facts.authorize_url).query else "?"
        return f"{facts.authorize_url}{joint}{urlencode(query)}"


def challenge_of(verifier: str) -> str:
    """Return PKCE's code challenge, S256 (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def redirect_to_grdf(request: Request, opener: Opener, sent: FormData) -> Response:
    """Redirect to GRDF, or show the form again; ``ConnectionStopped`` under another address than the callback's."""
    _, connection = find_connectable_account(opener.account)
    oauth = GrdfOAuthHook(connection)
    facts, back = oauth.facts, urlsplit(oauth.redirect_uri)
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != back.netloc:  # the cookie would be missing on return
        again = f"{page_address(connection)}{opener.path()}"
        raise ConnectionStopped("other_address", 409, f"{back.scheme}://{back.netloc}", again)
    holder = {name: str(sent.get(name, "")) for name in HOLDER}
    hint = login_hint(**holder, third_party=settings.third_party())
    if hint is None:
        return show_forms(request, opener, holder=holder)
    attempt = Attempt(opener.account, connection, opener.token)
    answer = RedirectResponse(attempt.authorize_url(facts, back.geturl(), hint), 303)
    answer.set_cookie(
        COOKIE + attempt.state,
        seal(attempt),
        max_age=60 * MINUTES,
        path=request.scope["root_path"] + CALLBACK,
        secure=back.scheme == "https",
        httponly=True,
        samesite="lax",  # GRDF sends the browser back from its own site
    )
    return answer


@router.get(CALLBACK)
@router.get(f"{CALLBACK}/")  # a redirect would send the code again, perhaps over plain HTTP
def callback(request: Request, visitor: VisitorIfAnyDep, state: str = "", code: str = "", error: str = "") -> Response:
    """Check that GRDF's answer belongs to an attempt of this browser, and lead to its progress."""
    base, attempt = request.scope["root_path"], unseal(request.cookies.get(COOKIE + state, ""), Attempt, 60 * MINUTES)
    request.state.again = f"{base}/connect/" if visitor else ""
    if attempt is None:
        raise ConnectionStopped("other_browser", 400)
    opener = by_link(request, attempt.token) if attempt.token else by_login(visitor, attempt.account)
    request.state.again = f"{base}{opener.path()}"
    if error or not code:
        shown = error if ERROR_CODE.fullmatch(error) else "error"
        raise (
            ConnectionStopped("refused", 200)
            if error in ERRORS_OF_THE_HOUSEHOLD
            else ConnectionStopped("grdf_error", 502, shown)
        )
    finish_consent(attempt, opener, code)
    answer = opener.follow(request)
    answer.delete_cookie(COOKIE + state, base + CALLBACK)
    return answer


def finish_consent(attempt: Attempt, opener: Opener, code: str) -> None:
    """Exchange the code at once, and leave its ``id_token`` on the account, as cozy-stack does.

    :raises GasError: if GRDF or CouchDB does not answer, or the account cannot be connected; it is then unchanged
    :raises ConnectionStopped: if the household's link is not good
    """
    account, connection, now = opener.account, attempt.connection, datetime.now(UTC)
    oauth = GrdfOAuthHook(connection)
    find_connectable_account(account)
    if opener.has_sent(sends=True):  # another click was faster
        return
    sent = oauth.exchange_code(
        code,
        oauth.redirect_uri,
        account=account,
        code_verifier=attempt.verifier,
        terms=Terms("connect", longest_wait=PATIENCE),
    )
    token = Grant(sent, nonce=attempt.nonce)
    claims = oauth.verify_claims(sent, account=account, nonce=attempt.nonce)

    def change(stored: Document | None) -> Document:
        return document_after_consent(stored, account, token, opener.mark(now, stored), connection=connection)

    AccountStore(couchdb()).save(account, change)
    log.info("Account %s: connected by %s, with %d meter(s).", account, opener.by, len(claims))
