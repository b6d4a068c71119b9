"""What a check has found, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError, ProtocolError, ReadTimeoutError

from include.gas.errors import GasError
from include.gas.redact import redact

State = Literal["ok", "look", "bad", "unknown"]
"""``look``: it works, but a person should look. ``unknown``: invisible from here."""
APART = timedelta(seconds=60)
"""How far clocks may differ. GRDF's codes last a minute."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report on a subject: a clause without secrets, and what to do, or ``""``."""

    state: State
    says: str
    do: str = ""
    what: str = ""


Check = Callable[[], Iterator[Finding]]


def findings_of(what: str, check: Check) -> Generator[Finding, None, bool]:
    """Yield what a check finds, and return whether it came to its end. An error is the last finding."""
    try:
        for found in check():
            yield replace(found, what=what)
        return True
    except GasError as error:
        yield replace(finding_of_error(error), what=what)
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        yield Finding("bad", redact(f"{type(error).__name__}: {error}")[:300], "See this program's log.", what)
    return False


def finding_of_error(error: GasError) -> Finding:
    """Return the finding for an error."""
    cause, behind = error.cause.rstrip(". "), error.__context__
    if isinstance(behind, requests.RequestException):  # nothing retries this
        why, do = explain_error(behind)
        return Finding("bad", f"{cause}: {why}", do)
    return Finding("bad", cause, str(error).partition(f"{cause}. ")[2])


def compare_clocks(date: str, whose: str) -> Finding:
    """Compare this machine's clock with a server's ``Date`` (RFC 9110: always GMT); ``ValueError`` without one."""
    ahead = (datetime.now(UTC) - parsedate_to_datetime(date).replace(tzinfo=UTC)).total_seconds()
    if abs(ahead) <= APART.total_seconds():
        return Finding("ok", f"this machine's clock agrees with {whose}'s")
    return Finding(
        "bad", f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} {whose}'s",
        "Synchronise the clock that is wrong (NTP): tokens and codes are refused or believed too long otherwise.",
    )  # fmt: skip


REASONS: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (requests.exceptions.SSLError,), "this machine does not trust the certificate (TLS)",
        "Compare the host name with the certificate's; if an authority of your own has signed it, name its file in "
        "REQUESTS_CA_BUNDLE for all parts of Airflow.",
    ),
    (
        (requests.exceptions.ProxyError,), "the proxy refuses",
        "Check HTTPS_PROXY and NO_PROXY for all parts of Airflow.",
    ),
    (
        (requests.exceptions.Timeout, ReadTimeoutError), "there was no answer in time",
        "Check the address, whether the server is busy or stands still, and whether a firewall lets this machine "
        "through.",
    ),
    (
        (NameResolutionError,), "the host name is not known",
        "Correct the host name, or this machine's name server (DNS).",
    ),
    ((NewConnectionError,), "nothing listens there", "Check address and port, and whether the server runs."),
    (
        (ProtocolError,), "it closes the connection without a whole answer",
        "Check address and port, whether it is http or https, and the server's log.",
    ),
)  # fmt: skip
"""Why a server could not be asked, as a clause, and what to do; the first match."""


def explain_error(error: requests.RequestException) -> tuple[str, str]:
    """Return why a server could not be asked, and what to do, of :data:`REASONS`, by what ``requests`` wraps."""
    parts = [error, *(getattr(part, "reason", part) for part in (error, *error.args))]
    for kinds, why, do in REASONS:
        if any(isinstance(part, kinds) for part in parts):
            return why, do
    return type(error).__name__, "Check the address, and whether the server runs."
