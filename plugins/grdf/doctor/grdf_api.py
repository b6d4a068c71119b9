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
from grdf.doctor.findings import Check, Finding, of_error, reason
from grdf.hooks.adict import AdictHook
from grdf.hooks.oauth import SMALL, GrdfOAuthHook
from grdf.quota.shared_quota import governor_for
from grdf.quota.terms import TRIAL
from grdf.transport.http_limits import LimitedAdapter
from include.gas.errors import BadRequest, ConsentLost, ServiceUnavailable, StoreBusy

APART = timedelta(seconds=60)
"""GRDF's codes last a minute, and tokens are compared with this clock."""
FEW = 0.1
LOGIN, COUNT = "login server", "count of calls"
"""What may have turned out not to answer, so that it is not asked again."""
TIMEOUT, WHOLE = (3.05, 10.0), 15.0
"""Seconds to connect and for a part of an answer, and for all of it: a person waits."""


def checks_of(hook: AdictHook, what: str) -> Iterator[tuple[str, Check]]:
    """Yield the checks of one client, each with what it looks at.

    :param hook: with the client's Airflow connection
    :param what: names the connection for people
    """
    silent: set[str] = set()
    yield what, partial(connection, what, hook.oauth)
    yield what, partial(clock, what, hook.oauth, silent)
    yield what, partial(_rights, what, hook, silent)
    yield what, partial(consent_page, what, hook.oauth)
    yield what, partial(_quota, what, hook.oauth, silent)


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


def clock(what: str, hook: GrdfOAuthHook, silent: set[str] | None = None) -> Iterator[Finding]:
    """Compare this machine's clock with GRDF's. No secret is sent.

    :param what: names the connection for people
    :param silent: to which this adds :data:`LOGIN` if the login server does not answer
    """
    try:
        with hook.get_conn() as session:
            for scheme in ("https://", "http://"):
                session.mount(scheme, LimitedAdapter(seconds=WHOLE, most=SMALL))
            answer = session.head(hook.facts.token_url, allow_redirects=False, timeout=TIMEOUT)
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except requests.RequestException as error:
        why, do = reason(error)
        if silent is not None:
            silent.add(LOGIN)
        yield Finding(
            what, "bad", f"GRDF's login server {hook.facts.token_url} cannot be reached: {why}",
            f"{do} The address is token_url in the connection's extra (Token address in its form).",
        )  # fmt: skip
        return
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


def _rights(what: str, hook: AdictHook, silent: set[str]) -> Iterator[Finding]:
    if LOGIN in silent:
        yield Finding(what, "unknown", "neither a token nor its list of rights was asked for, because of that")
        return
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
    except StoreBusy as error:  # of the calls' count
        silent.add(COUNT)
        yield of_error(what, error)
        return
    except ServiceUnavailable as error:  # the consent page and the count of calls are elsewhere: they come next
        yield of_error(what, error)
        return
    says = f"GRDF gives this client a token and lists {len(listed.rights)} right(s), with one call"
    if listed.odd:
        yield Finding(what, "look", f"{says}; {listed.odd} line(s) cannot be read", "Tell GRDF if this continues.")
    else:
        yield Finding(what, "ok", says)


def _token(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    hook.ask_data_token(TRIAL)
    yield Finding(what, "ok", "GRDF gives this client a token, which was thrown away; nothing was revoked")


def _quota(what: str, hook: GrdfOAuthHook, silent: set[str]) -> Iterator[Finding]:
    if COUNT in silent:
        return
    facts = hook.facts
    left, all_ = governor_for(facts).left(), facts.calls_per_day
    says = f"{left} of {all_} calls are left today"
    if left < FEW * all_:
        yield Finding(what, "look", says, "Accounts wait until tomorrow once they are spent. See docs/settings.md.")
    else:
        yield Finding(what, "ok", says)
