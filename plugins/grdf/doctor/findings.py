"""What a check has found: one line, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError, ProtocolError, ReadTimeoutError

from include.gas.errors import GasError
from include.gas.redact import redact

State = Literal["ok", "look", "bad", "unknown"]
"""``look``: it works, but somebody should look at it. ``unknown``: it cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    :param what: what was looked at, such as ``CouchDB`` or ``GRDF (grdf_adict)``
    :param state: how it is
    :param says: what was found, as a clause without secrets
    :param do: what to do, as a sentence; ``""`` if nothing
    """

    what: str
    state: State
    says: str
    do: str = ""


MOST_NAMED = 5
"""How many names a line lists."""

Check = Callable[[], Iterator[Finding]]
"""Looks at one thing, and yields what it finds. It may raise: see :func:`outcome`."""


def of_error(what: str, error: GasError) -> Finding:
    """Return the finding that an error is.

    :param what: what was looked at
    """
    if not error.cause:
        return Finding(what, "bad", str(error), "See docs/daily-life.md.")
    cause = error.cause.rstrip(". ")
    if _is_silent(error):  # nobody tries this again by himself
        why, do = reason(cast("requests.RequestException", error.__context__))
        return Finding(what, "bad", f"{cause}: {why}", do)
    return Finding(what, "bad", cause, str(error).partition(f"{cause}. ")[2])


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
"""Why a server could not be asked, as a clause, and what to do, as a sentence; the first that fits."""


def reason(error: requests.RequestException) -> tuple[str, str]:
    """Return why a server could not be asked, and what to do, of :data:`REASONS`.

    :param error: raised by ``requests`` or an adapter. What urllib3 said is in its arguments, behind the tries
    """
    parts = [error, *(getattr(part, "reason", part) for part in (error, *error.args))]
    for kinds, why, do in REASONS:
        if any(isinstance(part, kinds) for part in parts):
            return why, do
    return type(error).__name__, "Check the address, and whether the server runs."


def some(names: Sequence[str]) -> str:
    """Return the first few of some names, for a line."""
    return ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")


def outcome(what: str, check: Check) -> list[Finding]:
    """Return what a check finds. If it raises, that is a finding, too, after those before it.

    :param what: what it looks at
    """
    return _tried(what, check)[0]


def look(checks: Iterable[tuple[str, Check]], closed: set[str]) -> Iterator[Finding]:
    """Run checks, and yield what they find.

    A thing is closed once an error of ours ends a check of it: nobody knows where it is, or it does not answer, or it
    refuses us. The rest is not tried then: it would mostly say the same. What several checks meet is told once.

    :param checks: the checks, each with what it looks at
    :param closed: to which this adds what is closed, before it goes on
    """
    said: set[Finding] = set()
    for what, check in checks:
        if what in closed:
            found = [Finding(what, "unknown", "nothing else about it was looked at, because of that")]
        else:
            found, error = _tried(what, check)
            if isinstance(error, GasError):
                closed.add(what)
        yield from (finding for finding in dict.fromkeys(found) if finding not in said)
        said.update(found)


def _is_silent(error: GasError) -> bool:
    return isinstance(error.__context__, requests.RequestException)


def _tried(what: str, check: Check) -> tuple[list[Finding], Exception | None]:
    found: list[Finding] = []
    try:
        found.extend(check())
    except GasError as error:
        found.append(of_error(what, error))
        return found, error
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        found.append(Finding(what, "bad", redact(f"{type(error).__name__}: {error}")[:300], "See this program's log."))
        return found, error
    return found, None
