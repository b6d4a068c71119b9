"""A check of GRDF's consent page (Client Connect): whether it accepts this client and its redirect URI.

The page is asked as a browser would be, without a household and without a secret. It is no call to ADICT.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import requests

from grdf import settings
from grdf.doctor.findings import Finding, of_error, reason
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadSettings

CLOSED = frozenset(("unauthorized_client", "unsupported_response_type", "invalid_scope"))
"""The answers by which a contract lacks this way in (RFC 6749, 4.1.2.1). Others are about the one request."""
ASK = (
    "Ask GRDF to open Client Connect to this client with exactly this redirect URI, or take client_connect out of "
    "[grdf] ways_in."
)


def consent_page(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Look at the way in by GRDF's own site, if ``[grdf] ways_in`` offers it."""
    ways = settings.ways_in()
    if "client_connect" not in ways:
        return
    facts = hook.facts
    try:
        back = hook.redirect_uri
    except BadSettings as error:
        yield replace(of_error(error), state="look" if "direct" in ways else "bad")
        return
    asked = {
        "client_id": facts.client_id, "response_type": "code", "scope": "openid", "redirect_uri": back,
        "state": secrets.token_urlsafe(12),
    }  # fmt: skip
    try:
        with hook.get_conn() as session:
            answer = session.get(facts.authorize_url, params=asked, allow_redirects=False, timeout=(5, 10))
    except requests.RequestException as error:
        why, do = reason(error)
        yield Finding("look", f"GRDF's consent page {facts.authorize_url} cannot be reached: {why}", do)
        return
    yield _judged(answer, back)


def _judged(answer: requests.Response, back: str) -> Finding:
    refused = "GRDF's contract with this client lacks Client Connect: its consent page"
    sent_to = str(answer.headers.get("Location", ""))
    if answer.is_redirect and sent_to.startswith(back):
        word = parse_qs(urlsplit(sent_to).query).get("error", [""])[0]
        if word in CLOSED:
            return Finding("bad", f"{refused} answers {word}", ASK)
    if answer.status_code in (400, 401, 403):
        return Finding(
            "bad", f"{refused} refuses the client, or the redirect URI {back} (HTTP {answer.status_code})", ASK
        )
    if not (answer.ok or answer.is_redirect):
        return Finding(
            "look", f"GRDF's consent page answers HTTP {answer.status_code}",
            "Compare authorize_url in the connection's extra (Consent page in its form) with what GRDF sent.",
        )  # fmt: skip
    return Finding("ok", "GRDF's consent page knows this client and its redirect URI")
