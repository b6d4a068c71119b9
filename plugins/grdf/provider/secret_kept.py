"""Where a *Test* may send the secret of a form.

Airflow fills in the stored password if the form leaves it out, as long as host and port are the stored ones. So whoever
may press *Test* need not know the password. It must not reach an address of theirs by way of ``token_url``: an attack
has had the password of any connection so, of a mail server too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from grdf.doctor.findings import Check, Finding
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.transport.addresses import is_grdf, is_this_machine


def with_secret_kept(checks: Iterator[tuple[str, Check]], hook: GrdfOAuthHook) -> Iterator[tuple[str, Check]]:
    """Yield the checks, with one more behind the first, before anything is sent.

    :param hook: with the form's values
    """
    what, first = next(checks)
    yield what, first
    yield what, partial(_kept, what, hook)
    yield from checks


def _kept(what: str, hook: GrdfOAuthHook) -> Iterator[Finding]:
    facts = hook.facts
    host, own = (urlsplit(url).hostname or "" for url in (facts.token_url, facts.api_base))
    if host == own or is_grdf(facts.token_url) or is_this_machine(facts.token_url):
        return
    yield Finding(
        what, "bad", f"the token address is at {host}, which is neither GRDF's nor the host of this connection, so "
        "a Test does not send the secret there",
        "Correct it (token_url), or try it with ./grdf doctor.",
    )  # fmt: skip
