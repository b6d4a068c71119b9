"""Checks of GRDF, for each of our clients: connection, clock, token, one cheap call, and what is left of the quota.

Each looks at one hook, which a command or a form has made. A refusal of what is looked at stops no worker
(:data:`grdf.quota.terms.TRIAL`).
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from grdf.doctor.consent_page import consent_page
from grdf.doctor.findings import Finding, clock
from grdf.health.fleet_verdict import with_quota
from grdf.hooks.adict import AdictHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.terms import TRIAL
from include.gas.errors import BadRequest, ConsentLost, ServiceUnavailable
from include.gas.health.causes import Cause
from include.gas.health.verdict import Client

TIMEOUT = (3.05, 10.0)
"""Seconds to connect and to answer: a person waits."""


def client(hook: AdictHook) -> Iterator[Finding]:
    """Look at one client, with which data are read."""
    yield from _connection(hook.oauth)
    yield _rights(hook)
    yield from consent_page(hook.oauth)
    yield _quota(hook.oauth)


def deletion(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Look at a client that may revoke rights. It is only asked for a token, and nothing is revoked."""
    yield from _connection(hook)
    hook.ask_data_token(TRIAL)
    yield Finding("ok", "GRDF gives this client a token, which was thrown away; nothing was revoked")


def _connection(hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Read all fields of the connection, and compare this machine's clock with GRDF's. No secret is sent.

    :raises ServiceUnavailable: if the login server does not answer
    """
    facts = hook.facts
    yield Finding("ok", f"the connection is complete: {facts.api_base}")
    if facts.calls_per_second > 1:
        yield Finding(
            "look", f"it allows {facts.calls_per_second:g} calls a second, GRDF's usual contract one",
            "Compare calls_per_second in the connection's extra with your contract.",
        )  # fmt: skip
    try:
        with hook.get_conn() as session:
            answer = session.head(facts.token_url, allow_redirects=False, timeout=TIMEOUT)
        yield clock(answer.headers.get("Date", ""), "GRDF")
    except requests.RequestException as error:
        cause = f"GRDF's login server {facts.token_url} (token_url in the connection's extra) cannot be reached"
        raise ServiceUnavailable.about(None, cause) from error
    except ValueError:
        yield Finding("unknown", "GRDF's login server does not say what time it is")


def _rights(hook: AdictHook) -> Finding:
    try:
        listed = hook.try_rights(TRIAL)
    except ConsentLost as error:  # of whom? this list is of no household
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


def _quota(hook: GrdfOAuthHook) -> Finding:
    client = with_quota(Client(hook.grdf_conn_id), hook.facts)
    says = f"{client.left} of {client.calls} calls are left today"
    return Finding("look", says, Cause.QUOTA.do) if client.is_short else Finding("ok", says)
