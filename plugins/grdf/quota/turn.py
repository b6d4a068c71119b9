"""The turn of one call in GRDF's quota.

Turns are only a little more than GRDF's second apart. Any delay between a turn and the sending can bring two calls
close together at GRDF, which then answers 429: opening a connection with its TLS handshake, or a machine whose cores
are all busy. So a call first waits until its turn is near, then gets ready, takes its turn last, and asks again if it
was delayed all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grdf.quota.allowance import Bearer, Claim, Go, Ticket, Wait

if TYPE_CHECKING:
    from grdf.quota.governor import Governor
    from grdf.quota.terms import Terms

NEAR = 1.5
"""How many seconds before its turn a call gets ready. It is longer than it takes to connect, and short enough that at 1
call per second no more than two calls hold a connection open."""
FAR = 5.0
"""How long a call that is ready keeps waiting, in seconds. After a longer silence the server may have closed the
connection."""
HELD_UP = 0.4
"""The fraction of the quota's spare time by which sending may be delayed after the turn came. A call that is later asks
again."""
_LEAST_HELD_UP = 0.01
"""Lower bound of that delay in seconds, because asking again takes as long."""
_HELD_UP_TIMES = 2
_SAY_EVERY = 60.0

log = logging.getLogger(__name__)


class FarOff(Exception):
    """The turn has moved away because GRDF makes all callers wait.

    Draw near again, and hold no connection open meanwhile.
    """


class TokenInDoubt(Exception):
    """The call had to wait because GRDF refused the shared token: check which token is shared now, then call."""


class Turn:
    """The turn of one call, made by :meth:`Governor.turn`: draw near, get ready, take it, send.

    :param account: the account's id, for messages
    :param bearer: who makes the call
    """

    def __init__(self, governor: Governor, account: str | None, terms: Terms, bearer: Bearer) -> None:
        self._governor = governor
        self._account = account
        self._terms = terms
        self._bearer = bearer
        self._doubted = False
        self._ticket: Ticket | None = None
        self._came: float | None = None  # in the time of the governor's clock
        self._booked = False
        self._waited, self._next_word, self._rest = 0.0, 0.0, 0.0

    @property
    def connection(self) -> str:
        """The Airflow connection of the client that makes the call."""
        return self._governor.connection

    @property
    def waited(self) -> float:
        """The seconds for which the call has waited so far."""
        return self._waited

    def draw_near(self) -> None:
        """Book the call, and wait until it is time to get ready for it.

        :raises QuotaWait: if the call would have to wait longer than the longest wait, or until calls of the day stop
            counting; ``retry_after`` says how long
        :raises BadSettings: if the calls cannot be counted
        :raises StoreBusy: if the calls cannot be counted at the moment
        """
        self._rest = self._ask()
        while self._came is None and not (self._booked and self._rest <= NEAR):
            ahead = self._rest - NEAR if self._booked else self._rest
            nap = min(ahead, _SAY_EVERY)
            self._sleep(nap)
            self._rest = NEAR if self._booked and nap == ahead else self._ask()

    def take(self) -> None:
        """Wait for the rest of the time. The caller sends right after.

        :raises FarOff: if the turn has moved away
        :raises GasError: see :meth:`draw_near`
        """
        enough = max(HELD_UP * self._governor.quota.spare, _LEAST_HELD_UP)
        held_up = 0
        while True:
            if self._came is None:
                if self._rest > FAR:
                    raise FarOff
                self._sleep(self._rest)
            else:
                late = self._governor.clock() - self._came
                if late <= enough or held_up == _HELD_UP_TIMES:
                    return
                held_up += 1
                log.debug("Delayed by %.0f ms after its turn had come; the next call waits for it.", 1000 * late)
            self._rest = self._ask()

    def _ask(self) -> float:
        """Ask once. Return the seconds to wait, 0 if the turn has come."""
        booking, claim = self._terms.booking, None
        if booking:
            booking.asked, claim = True, Claim(booking.name, booking.calls)
        verdict, given = self._governor.ask(self._terms, self._ticket, self._waited, self._account, claim, self._bearer)
        doubted, self._doubted = self._doubted, isinstance(verdict, Wait) and verdict.token
        if doubted and not self._doubted and self._bearer.data:
            self._governor.give_up(self._terms.purpose, verdict.ticket, claim)
            raise TokenInDoubt
        if booking and self._ticket is None and verdict.ticket is not None:
            booking.calls = max(0, booking.calls - 1)
        self._ticket = verdict.ticket
        if isinstance(verdict, Go):
            self._came = given
            return 0.0
        self._came = None
        # All callers wait for the end of the same pause. If all got ready for it, they would open hundreds of
        # connections for one call.
        self._booked = verdict.ticket is not None and not verdict.paused
        if (
            verdict.seconds >= 2 * self._governor.quota.distance
            and verdict.seconds > FAR
            and self._waited >= self._next_word
        ):
            reason = "GRDF asked us to slow down (HTTP 429)" if verdict.paused else "other calls come first"
            if verdict.token:
                reason = "GRDF refused the token that all share (HTTP 401)"
            log.info("Waiting %.0f s for GRDF's quota: %s.", verdict.seconds, reason)
            self._next_word = self._waited + _SAY_EVERY
        return max(0.001, verdict.seconds)

    def _sleep(self, seconds: float) -> None:
        self._governor.sleep(seconds)
        self._waited += seconds
