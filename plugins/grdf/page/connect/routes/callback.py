"""``/callback``: GRDF sends the household's browser back to this route, with a code or with an error."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.attempt import Attempt, State
from grdf.page.connect.exchange import Stop, finish
from grdf.page.connect.progress_cookie import Followed
from grdf.page.connect.shared_pages import BY_LINK, CALLBACK, HOUSEHOLD, WayIn
from grdf.page.security import Visitor, VisitorIfAnyDep, may_connect

router = APIRouter(route_class=WayIn)

ERRORS_OF_THE_HOUSEHOLD = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})


@router.get(CALLBACK)
@router.get(f"{CALLBACK}/")  # a redirect would send the code again, behind a proxy perhaps over plain HTTP
def callback(request: Request, visitor: VisitorIfAnyDep) -> Response:
    """Handle GRDF's answer: check that it belongs to an attempt of this browser, and lead to the page that follows.

    An attempt with a household's link needs no login. Everything else does, including answers that belong to no
    attempt.
    """
    answer = {name: values for name in request.query_params if (values := request.query_params.getlist(name))}
    state = State.opened(_single(answer, "state"))
    household = state is not None and state.household
    if visitor is None and not (household and settings.household_links()):
        raise HTTPException(401, "not logged in")
    base, account = request.scope["root_path"], state.account if state else ""
    request.state.account, request.state.household = account, household
    # An answer that belongs to no attempt names no account, so the link leads back to the choice of an account.
    request.state.again = "" if household else f"{base}/connect/{account}"
    attempt = _attempt(request, state, visitor)
    if attempt.link:
        request.state.again = f"{base}{HOUSEHOLD}?token={attempt.link.token}"
    at = finish(attempt, _code(answer, attempt), by=visitor.name if visitor and not household else BY_LINK)
    if attempt.link is None:
        return RedirectResponse(f"{base}/connect/{account}/progress", 303)
    return Followed(account, attempt.state.name, at, attempt.link.token).lead_there(request, attempt.redirect_uri)


def _attempt(request: Request, state: State | None, visitor: Visitor | None) -> Attempt:
    """Return the attempt that the answer belongs to, begun by this browser and this user.

    :raises Stop: if there is none
    :raises HTTPException: 403 if the user may not connect the account (any more)
    """
    if state is None:
        raise Stop("unknown_state", 400)
    if state.household and not settings.household_links():  # links have been switched off in the meantime
        raise Stop("link_unknown", 404)
    if not state.household and visitor:
        may_connect(visitor, state.account)
    if state.is_over:
        raise Stop("expired", 400)
    attempt = Attempt.kept_by(request, state)
    if attempt is None or (not state.household and (visitor is None or visitor.id != attempt.visitor)):
        raise Stop("other_browser", 400)
    return attempt


def _code(answer: dict[str, list[str]], attempt: Attempt) -> str:
    """Return the code in GRDF's answer.

    GRDF also names itself (``iss``) and the client (``client_id``, ADICT 2.2). An answer from another server or for
    another client is refused (RFC 9207).

    :raises Stop: if the answer has no code or is refused
    """
    facts = GrdfOAuthHook(attempt.connection).facts
    client, issuer = _single(answer, "client_id"), _single(answer, "iss")
    hosts = {_host(url) for url in (facts.issuer, facts.authorize_url)} - {None}
    if (client and client != facts.client_id) or (issuer and _host(issuer) not in hosts):
        raise Stop("other_server", 400)
    word = _single(answer, "error")
    if word:
        raise Stop("refused", 200) if word in ERRORS_OF_THE_HOUSEHOLD else Stop("grdf_error", 502, _word(word))
    code = _single(answer, "code")
    if not code:
        raise Stop("no_code", 400)
    return code


def _single(answer: dict[str, list[str]], name: str) -> str | None:
    """Return a parameter's value, ``None`` if it was not sent exactly once (RFC 6749, 3.1)."""
    values = answer.get(name, [])
    return values[0] if len(values) == 1 else None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _word(error: str) -> str:
    """Return an OAuth error code to show to the user, or ``error`` if the text is not such a code."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 40 else "error"
