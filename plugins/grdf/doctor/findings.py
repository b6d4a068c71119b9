"""What a check has found: one line, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

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


Check = Callable[[], Iterator[Finding]]
"""Looks at one thing, and yields what it finds. It may raise: see :func:`outcome`."""


def of_error(what: str, error: GasError) -> Finding:
    """Return the finding that an error is.

    :param what: what was looked at
    """
    if not error.cause:
        return Finding(what, "bad", str(error), "See the README, Operate it.")
    cause = error.cause.rstrip(". ")
    return Finding(what, "bad", cause, str(error).partition(f"{cause}. ")[2])


def outcome(what: str, check: Check) -> list[Finding]:
    """Return what a check finds. If it raises, that is a finding, too, after those before it.

    :param what: what it looks at
    """
    found: list[Finding] = []
    try:
        found.extend(check())
    except GasError as error:
        found.append(of_error(what, error))
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        found.append(Finding(what, "bad", redact(f"{type(error).__name__}: {error}")[:300], "See this program's log."))
    return found
