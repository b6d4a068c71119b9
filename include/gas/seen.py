"""When a list of GRDF's last showed how an account's own rights stand: what is read long after may be a stranger's.

A call for data goes by the meter and succeeds under anybody's right. The check of every morning writes one moment for
all accounts (``plugins/grdf/hooks/accounts.py``); an account has one of its own only where its list did not show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from include.gas.days import utc_text
from include.gas.documents import Document
from include.gas.moments import is_ahead

SEEN = "consents_seen"
"""Key of an account document: when a list last showed its rights, where that is not the last one of all accounts; ""
when that is not known."""

FRESH = timedelta(hours=36)
"""How long a list counts: a morning's check may fail once, and the runs of that day ask for nothing more."""


def seen_at(document: Mapping[str, Any], listed_at: str) -> str:
    """Tell when a list last showed how an account's rights stand, UTC text; "" when that is not known.

    :param document: the account document.
    :param listed_at: when the last list of all accounts was asked for, UTC text, or "".
    """
    own = document.get(SEEN, listed_at)
    return own if isinstance(own, str) else ""


def is_fresh(moment: str, now: datetime) -> bool:
    """Tell whether a list of that moment still counts; one of the future was written by a clock that was ahead.

    :param moment: UTC text, or "".
    :param now: the present, aware.
    """
    try:
        return utc_text(moment) >= utc_text(now - FRESH) and not is_ahead(moment, now)
    except ValueError:
        return False


def with_seen(document: Mapping[str, Any], moment: str | None) -> Document:
    """Note it.

    :param document: the account document.
    :param moment: UTC text, or "" when it is not known; None when it is that of the last list of all accounts.
    :return: a new document.
    """
    changed = {key: value for key, value in document.items() if key != SEEN}
    return changed if moment is None else changed | {SEEN: moment}
