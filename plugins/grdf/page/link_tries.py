"""How often a household's link may be tried, and how many calls to GRDF all links together may begin in a day.

Whoever holds a link, a thief included, can send any code for it, and each costs a call of the quota that all households
share. So a link is good for a few tries, counted in CouchDB over all API servers; and the calls that links begin have a
small budget of their own, counted with all other calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota import governor_for

if TYPE_CHECKING:
    from grdf.page.attempt import Attempt, Link
    from grdf.page.once import Once

log = logging.getLogger(__name__)

TRIES = 5
"""Codes that are sent to GRDF for one link: enough for somebody who errs, of no use to somebody who guesses."""
CALLS = 2
"""Calls to GRDF that a household's connection takes: its code, and how far its consents reach."""


def is_used_up(once: Once, link: str, until: float) -> bool:
    """Tell whether a link was tried as often as it may be.

    :param once: the marks
    :param link: names the link
    :param until: when it is over, epoch seconds
    :raises GasError: when CouchDB cannot say
    """
    return all(once.is_taken(_mark(link, number), until) for number in range(1, TRIES + 1))


def take(once: Once, attempt: Attempt, link: Link) -> Callable[[], None] | None:
    """Count a try of a link; ``None`` when it has none left. Gives what takes it back: GRDF was not asked.

    :param once: the marks
    :param attempt: the attempt that was begun with it
    :param link: the link
    :raises GasError: when CouchDB does not take it
    """
    for number in range(1, TRIES + 1):
        mark = _mark(link.id, number)
        if once.take(mark, link.until):
            if number == TRIES:
                log.warning(
                    "Account %s: its household's link was tried %d times and is used up. Somebody may have it who "
                    "should not; ask the household before you make a new one.", attempt.state.account, TRIES,
                )  # fmt: skip
            return lambda: once.release(mark, link.until)
    return None


def calls_left() -> bool:
    """Tell whether the day's calls for households' links suffice for one more household.

    :raises GasError: when the calls cannot be counted
    """
    return governor_for(GrdfOAuthHook().facts).left("link") >= CALLS


def _mark(link: str, number: int) -> str:
    return f"{link} try {number}"
