"""Checks of GRDF, for each of our clients: connection, clock, token, one cheap call, and what is left of the quota.

Each looks at one hook, which a command or a form has made. A refusal of what is looked at stops no worker
(:data:`grdf.quota.terms.TRIAL`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

import requests

from grdf.doctor.consent_page import consent_page
from grdf.doctor.findings import Check, Finding
from grdf.health.look import with_quota
from grdf.hooks.adict import AdictHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.terms import TRIAL
from include.gas.errors import BadRequest, ConsentLost, ServiceUnavailable
from include.gas.health.causes import Cause
from include.gas.health.verdict import Client

APART = timedelta(seconds=60)
"""GRDF's codes last a minute, and tokens are compared with this clock."""
TIMEOUT = (3.05, 10.0)
"""Seconds to connect and to answer: a person waits."""


def checks_of(hook: AdictHook, what: str) -> Iterator[tuple[str, Check]]:
    """Yield the checks of one client, each with what it looks at.

    :param hook: with the client's Airflow connection
    :param what: names the connection for people
    """
    yield what, partial(connection, what, hook.oauth)
    yield what, partial(clock, what, hook.oauth)
    yield what, partial(_rights, what, hook)
    yield what, partial(consent_page, what, hook.oauth)
    yield what, partial(_quota, what, hook.oauth)


def checks_of_deletion(hook: GrdfOAuthHook, what: str) -> Iterator[tuple[str, Check]]:
    """Yield the checks of a client that may revoke rights. It is only asked for a token, and nothing is revoked.

    :param hook: with the client's Airflow connection
    :param what: names the connection for people
    """
    yield what, partial(connection, what, hook)
    yield what, partial(clock, what, hook)
    yield what, partial(_token, what, hook)


def connection(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Read all fields of the connection."""
    facts = hook.facts
    yield Finding(what, "ok", f"the connection is complete: {facts.api_base}")
    if facts.calls_per_second > 1:
        yield Finding(
            what, "look", f"it allows {facts.calls_per_second:g} calls a second, GRDF's usual contract one",
            "Compare calls_per_second in the connection's extra with your contract.",
        )  # fmt: skip


def clock(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    """Compare this machine's clock with GRDF's. No secret is sent.

    :param what: names the connection for people
    :raises ServiceUnavailable: if the login server does not answer
    """
    address = hook.facts.token_url
    try:
        with hook.get_conn() as session:
            answer = session.head(address, allow_redirects=False, timeout=TIMEOUT)
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except requests.RequestException as error:
        cause = f"GRDF's login server {address} (token_url in the connection's extra) cannot be reached"
        raise ServiceUnavailable.about(None, cause) from error
    except ValueError:
        yield Finding(what, "unknown", "GRDF's login server does not say what time it is")
        return
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    apart = datetime.now(UTC) - told
    if abs(apart) > APART:
        way = "ahead of" if apart > timedelta(0) else "behind"
        yield Finding(
            what, "bad", f"this machine's clock is {abs(apart).total_seconds():.0f} s {way} GRDF's",
            "Synchronise the clock (NTP): tokens and codes are refused or believed too long otherwise.",
        )  # fmt: skip
    else:
        yield Finding(what, "ok", "this machine's clock agrees with GRDF's")


def _rights(what: str, hook: AdictHook) -> Iterator[Finding]:
    try:
        listed = hook.try_rights(TRIAL)
    except ConsentLost as error:  # of whom? this list is of no household
        yield Finding(
            what, "bad", f"GRDF gives this client a token, but does not let it list access rights: {error.cause}",
            "Its ADICT contract lacks them, so no household can be connected: ask GRDF to open the access rights "
            "(droits d'accès) to this client.",
        )  # fmt: skip
        return
    except BadRequest as error:
        yield Finding(
            what, "bad", f"GRDF gives this client a token, but {error.cause}",
            "Compare the connection's host, the address of ADICT, with what GRDF sent.",
        )  # fmt: skip
        return
    says = f"GRDF gives this client a token and lists {len(listed.rights)} right(s), with one call"
    if listed.odd:
        yield Finding(what, "look", f"{says}; {listed.odd} line(s) cannot be read", "Tell GRDF if this continues.")
    else:
        yield Finding(what, "ok", says)


def _token(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    hook.ask_data_token(TRIAL)
    yield Finding(what, "ok", "GRDF gives this client a token, which was thrown away; nothing was revoked")


def _quota(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    client = with_quota(Client(hook.grdf_conn_id), hook.facts)
    says = f"{client.left} of {client.calls} calls are left today"
    if client.is_short:
        yield Finding(what, "look", says, Cause.QUOTA.do)
    else:
        yield Finding(what, "ok", says)
