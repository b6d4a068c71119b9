"""Checks of GRDF, for each of our clients: connection, clock, token, one cheap call, and what is left of the quota."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

import requests

from grdf.doctor.findings import Check, Finding
from grdf.hooks.adict import AdictHook
from grdf.hooks.data_token import TokenShelf, variable_of
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.shared_quota import governor_for

APART = timedelta(seconds=60)
"""GRDF's codes last a minute, and tokens are compared with this clock."""
FEW = 0.1


def checks_of(client: str, shelf: Callable[..., TokenShelf]) -> Iterator[tuple[str, Check]]:
    """Yield the checks of one client, each with what it looks at.

    :param client: its Airflow connection
    :param shelf: makes the place of its data token
    """
    what = f"GRDF ({client})"
    yield what, partial(_connection, what, client)
    yield what, partial(_clock, what, client)
    yield what, partial(_rights, what, client, shelf)
    yield what, partial(_quota, what, client)


def _connection(what: str, client: str) -> Iterator[Finding]:
    facts = GrdfOAuthHook(client).facts
    yield Finding(what, "ok", f"the connection is complete: {facts.api_base}")
    if facts.calls_per_second > 1:
        yield Finding(
            what, "look", f"it allows {facts.calls_per_second:g} calls a second, GRDF's usual contract one",
            "Compare calls_per_second in the connection's extra with your contract.",
        )  # fmt: skip


def _clock(what: str, client: str) -> Iterator[Finding]:
    hook = GrdfOAuthHook(client)
    try:
        answer = hook.get_conn().head(hook.facts.token_url, allow_redirects=False, timeout=(10, 20))
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except requests.RequestException as error:
        yield Finding(
            what, "bad", f"GRDF's login server cannot be reached ({type(error).__name__})",
            "Check token_url in the connection's extra, this machine's network, its proxy and its certificates.",
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


def _rights(what: str, client: str, shelf: Callable[..., TokenShelf]) -> Iterator[Finding]:
    # Without the lease under which workers renew their token: it would be a document, and nothing is to be changed.
    listed = AdictHook(client, shelf=shelf(variable=variable_of(client))).all_access_rights()
    says = f"GRDF gives this client a token and lists {len(listed.rights)} right(s), with one call"
    if listed.odd:
        yield Finding(what, "look", f"{says}; {listed.odd} line(s) cannot be read", "Tell GRDF if this continues.")
    else:
        yield Finding(what, "ok", says)


def _quota(what: str, client: str) -> Iterator[Finding]:
    facts = GrdfOAuthHook(client).facts
    left, all_ = governor_for(facts).left(), facts.calls_per_day
    says = f"{left} of {all_} calls are left today"
    if left < FEW * all_:
        yield Finding(what, "look", says, "Accounts wait until tomorrow once they are spent. See README, Quota.")
    else:
        yield Finding(what, "ok", says)
