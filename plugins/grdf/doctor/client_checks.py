"""Checks of each client at GRDF. A refusal met here stops no worker (:data:`grdf.quota.call_terms.TRIAL`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import requests

from grdf import settings
from grdf.doctor.findings import Finding, compare_clocks, explain_error, finding_of_error
from grdf.health.fleet_verdict import with_quota
from grdf.hooks.adict import AdictHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.call_terms import TRIAL
from include.gas.errors import BadRequest, BadSettings, RightLost, ServiceUnavailable
from include.gas.health.causes import Cause
from include.gas.health.verdict import Client

TIMEOUT = (3.05, 10.0)
"""Seconds to connect and to answer: a person waits."""
CLOSED = frozenset(("unauthorized_client", "unsupported_response_type", "invalid_scope"))
"""The answers to a contract without this way in (RFC 6749, 4.1.2.1)."""
ASK = (
    "Ask GRDF to open Client Connect to this client with exactly this redirect URI, or take client_connect out of "
    "[grdf] ways_in."
)


def check_client(hook: AdictHook) -> Iterator[Finding]:
    """Check a client that reads data."""
    yield from _connection(hook.oauth)
    yield _rights(hook)
    yield from _consent_page(hook.oauth)
    yield _quota(hook.oauth)


def check_deletion_client(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Check a client that may revoke, by asking for a token alone."""
    yield from _connection(hook)
    hook.request_data_token(TRIAL)
    yield Finding("ok", "GRDF gives this client a token, which was thrown away; nothing was revoked")


def _connection(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Read the connection's fields, and compare this machine's clock with GRDF's. No secret is sent."""
    facts = hook.facts
    yield Finding("ok", f"the connection is complete: {facts.api_base}")
    if facts.calls_per_second > 1:
        yield Finding(
            "look", f"it allows {facts.calls_per_second:g} calls a second, GRDF's usual contract one",
            "Compare calls_per_second in the connection's extra with your contract.",
        )  # fmt: skip
    try:
        with hook.get_conn() as session:
            answer = session.head(facts.token_url, timeout=TIMEOUT)  # follows no redirect
        yield compare_clocks(answer.headers.get("Date", ""), "GRDF")
    except requests.RequestException as error:
        cause = f"GRDF's login server {facts.token_url} (token_url in the connection's extra) cannot be reached"
        raise ServiceUnavailable.about(None, cause) from error
    except ValueError:
        yield Finding("unknown", "GRDF's login server does not say what time it is")


def _rights(hook: AdictHook) -> Finding:
    try:
        # With its own token, which is not kept: a person may be trying wrong values.
        listed = AdictHook(hook.grdf_conn_id, token_store={}).query_all_rights(TRIAL)
    except RightLost as error:  # this list is of no household
        return Finding(
            "bad", f"GRDF gives this client a token, but does not let it list access rights: {error.cause}",
            "Its ADICT contract lacks them, so no household can be connected: ask GRDF to open the access rights "
            "(droits d'accès) to this client.",
        )  # fmt: skip
    except BadRequest as error:
        return Finding(
            "bad", f"GRDF gives this client a token, but {error.cause}",
            "Compare the connection's host, the address of ADICT, with what GRDF sent.",
        )  # fmt: skip
    says = f"GRDF gives this client a token and lists {len(listed.rights)} right(s), with one call"
    if listed.odd:
        return Finding("look", f"{says}; {listed.odd} line(s) cannot be read", "Tell GRDF if this continues.")
    return Finding("ok", says)


def _consent_page(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Check the way in by GRDF's site, if offered: ask the page as a browser would, without household or secret."""
    ways = settings.ways_in()
    if "client_connect" not in ways:
        return
    facts = hook.facts
    try:
        back = hook.redirect_uri
    except BadSettings as error:
        yield replace(finding_of_error(error), state="look" if "direct" in ways else "bad")
        return
    asked = {
        "client_id": facts.client_id, "response_type": "code", "scope": "openid", "redirect_uri": back,
        "state": secrets.token_urlsafe(12),
    }  # fmt: skip
    try:
        with hook.get_conn() as session:
            answer = session.get(facts.authorize_url, params=asked, allow_redirects=False, timeout=TIMEOUT)
    except requests.RequestException as error:
        why, do = explain_error(error)
        yield Finding("look", f"GRDF's consent page {facts.authorize_url} cannot be reached: {why}", do)
        return
    yield _judge_page(answer, back)


def _judge_page(answer: requests.Response, back: str) -> Finding:
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


def _quota(hook: GrdfOAuthHook) -> Finding:
    client = with_quota(Client(hook.grdf_conn_id), hook.facts)
    says = f"{client.left} of {client.calls} calls are left today"
    return Finding("look", says, Cause.QUOTA.do) if client.is_short else Finding("ok", says)
