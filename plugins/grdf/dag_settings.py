"""The settings that DAG files need. A wrong one is the default here: otherwise it would take the file's DAGs away.

``grdf_health`` and ``./grdf doctor`` read the settings themselves, and are red until a wrong one is corrected.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TypeVar

from grdf import settings
from include.gas.account.sections.client import DEFAULT

log = logging.getLogger(__name__)
_T = TypeVar("_T")


def morning() -> dict[str, int]:
    """Return when the accounts' daily runs start, see :class:`grdf.timetable.GasDayTimetable`."""
    return {
        "publication_days": or_default(settings.publication_days, settings.PUBLICATION_DAYS),
        "first_hour": or_default(settings.first_hour, settings.FIRST_HOUR),
        "spread_minutes": or_default(settings.spread_minutes, settings.SPREAD_MINUTES),
    }


def connections() -> tuple[str, ...]:
    """Return the connections of our clients at GRDF; of a wrong setting the usual one alone."""
    usual: tuple[str, ...] = (DEFAULT,)
    return or_default(settings.connections, usual)


def or_default(read: Callable[[], _T], default: _T) -> _T:
    """Return a setting, or the default if it is wrong, which is logged.

    :param read: what reads it
    :param default: the default
    """
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the DAGs stay
        _log_once(f"{str(error).rstrip('.')}. Until then the default, {default}, is used.")
        return default


@functools.cache
def _log_once(text: str) -> None:
    """Log an error once in this process: each account of a file reads the same settings."""
    log.error("%s", text)
