"""The turn of one call in GRDF's quota.

Turns are only a little more than GRDF's second apart. Any delay between a turn and the sending can bring two calls
close together at GRDF, which then answers 429: opening a connection with its TLS handshake, or a machine whose cores
are all busy. So a call first waits until its turn is near, then connects, takes its turn last, and asks again if it was
delayed all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grdf.quota.allowance import Answer, Bearer

if TYPE_CHECKING:
    from grdf.quota.governor import Governor
    from grdf.quota.terms import Terms

NEAR = 1.5
"""How many seconds before its turn a call connects. It is longer than that takes, and short enough that at 1 call per
second no more than two calls hold a connection open."""
HELD_OPEN = 5.0
"""How long a connection is held open for a turn that moves away, in seconds. Later the server may have closed it."""
HELD_UP = 0.026
"""The fraction of the distance between two calls by which sending may be delayed after the turn came: less than half of
the margin. A call that is later asks again."""
_LEAST_HELD_UP = 0.01
"""Lower bound of that delay in seconds, because asking again takes as long."""
_HELD_UP_TIMES = 2
_LEAST_WAIT = 0.001
"""Seconds: a clock in epoch seconds does not tell less apart."""
_SAY_EVERY = 60.0
_REASONS = {
    "turn": "other calls come first",
    "pause": "GRDF asked us to slow down (HTTP 429)",
    "token": "GRDF refused the token that all share (HTTP 401)",
}

log = logging.getLogger(__name__)


class TokenInDoubt(Exception):
    """The call had to wait because GRDF refused the shared token: check which token is shared now, then call."""


class Turn:
    """The turn of one call, made by :meth:`Governor.turn`: draw near, connect, take it, send."""

    def __init__(self, governor: Governor, account: str | None, terms: Terms, bearer: Bearer) -> None:
        self._governor = governor
        self._account = account
        self._terms = terms
        self._bearer = bearer
        self._told = Answer(0.0, None)
        self._due = 0.0  # when to send or to ask again, in the time of the governor's clock
        self._waited, self._next_word = 0.0, 0.0

    @property
    def connection(self) -> str:
        """The Airflow connection of the client that makes the call."""
        return self._governor.connection

    @property
    def waited(self) -> float:
        """The seconds for which the call has waited so far."""
        return self._waited

    def draw_near(self) -> None:
        """Book the call, and wait until it is time to connect.

        :raises QuotaWait: if the call would have to wait longer than the longest wait, or until calls of the day stop
            counting; ``retry_after`` says how long
        :raises BadSettings: if the calls cannot be counted
        :raises StoreBusy: if the calls cannot be counted at the moment
        """
        self._ask(self._terms.longest_wait)
        while (ahead := self._ahead()) > 0:
            self._sleep(max(_LEAST_WAIT, min(ahead, _SAY_EVERY)))
            if self._ahead() > 0 or not self._booked:
                self._ask(self._terms.longest_wait)

    def take(self) -> None:
        """Wait for the rest of the time. The caller sends right after."""
        enough = max(HELD_UP * self._governor.quota.distance, _LEAST_HELD_UP)
        held_up = 0
        while True:
            late = self._governor.clock() - self._due
            if self._told.seconds:
                self._sleep(-late)
            elif late <= enough or held_up == _HELD_UP_TIMES:
                return
            else:
                held_up += 1
                log.debug("Delayed by %.0f ms after its turn had come; the next call waits for it.", 1000 * late)
            self._ask(min(self._terms.longest_wait, self._waited + HELD_OPEN))

    @property
    def _booked(self) -> bool:
        """Whether the turn is known. All who wait for a token do so for the same moment, and must not all connect."""
        return self._told.ticket is not None and self._told.reason != "token"

    def _ahead(self) -> float:
        """Return for how many seconds there is nothing to do."""
        if not self._told.seconds:
            return 0.0
        return self._due - self._governor.clock() - (NEAR if self._booked else 0.0)

    def _ask(self, longest_wait: float) -> None:
        """Ask once.

        :param longest_wait: seconds that the call may wait in all
        """
        terms, before = self._terms, self._told
        told, given = self._governor.ask(terms, before.ticket, longest_wait - self._waited, self._account, self._bearer)
        if self._bearer.data and before.reason == "token" != told.reason:
            self._governor.give_up(terms, told.ticket)
            raise TokenInDoubt
        if terms.booking and before.ticket is None and told.ticket is not None:
            terms.booking.calls = max(0, terms.booking.calls - 1)
        self._told, self._due = told, given + (max(_LEAST_WAIT, told.seconds) if told.seconds else 0.0)
        if told.seconds > HELD_OPEN and self._waited >= self._next_word:
            log.info("Waiting %.0f s for GRDF's quota: %s.", told.seconds, _REASONS[told.reason])
            self._next_word = self._waited + _SAY_EVERY

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._governor.sleep(seconds)
            self._waited += seconds
