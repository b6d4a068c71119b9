"""One call's turn in GRDF's quota.

Turns are little more than GRDF's second apart. Whatever lies between a turn and the sending can bring two calls
together at GRDF, which then answers 429: a connection and its TLS handshake, or a machine whose cores are all busy.
So a call comes near first, gets ready, takes its turn last, and says so if it was held up all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grdf.quota.allowance import Bearer, Claim, Go, Ticket, Wait

if TYPE_CHECKING:
    from grdf.quota.governor import Governor
    from grdf.quota.terms import Terms

NEAR = 1.5
"""Seconds before its turn that a call is told to get ready: longer than a connection takes, and so short that at 1 call
a second no more than two hold one open."""
FAR = 5.0
"""Seconds for which a call that is ready waits on: who keeps silent longer may find the connection closed."""
HELD_UP = 0.4
"""Part of the quota's spare time: who would send later than that after its turn came asks again."""
_LEAST_HELD_UP = 0.01
"""Seconds: asking again takes as long."""
_HELD_UP_TIMES = 2
_SAY_EVERY = 60.0

log = logging.getLogger(__name__)


class FarOff(Exception):
    """The turn has moved away, since GRDF makes everybody wait: draw near again, and hold nothing open meanwhile."""


class TokenInDoubt(Exception):
    """The call has waited since GRDF refused the token that all share: look which one is shared now, then call."""


class Turn:
    """One call's turn; :meth:`Governor.turn` gives it. Draw near, get ready, take it, send.

    :param governor: who decides
    :param account: the account's id, for messages
    :param terms: on what terms it waits
    :param bearer: whose call it is
    """

    def __init__(self, governor: Governor, account: str | None, terms: Terms, bearer: Bearer) -> None:
        self._governor = governor
        self._account = account
        self._terms = terms
        self._bearer = bearer
        self._doubted = False
        self._ticket: Ticket | None = None
        self._came: float | None = None  # on the governor's clock
        self._booked = False
        self._waited, self._next_word, self._rest = 0.0, 0.0, 0.0

    def draw_near(self) -> None:
        """Book the call, and wait until it is time to get ready for it.

        :raises QuotaWait: when it would take longer than the longest wait, or until the day's calls count no more;
            ``retry_after`` says how long
        :raises BadSettings: when the calls cannot be counted
        :raises StoreBusy: when the calls cannot be counted now
        """
        self._rest = self._ask()
        while self._came is None and not (self._booked and self._rest <= NEAR):
            ahead = self._rest - NEAR if self._booked else self._rest
            nap = min(ahead, _SAY_EVERY)
            self._sleep(nap)
            self._rest = NEAR if self._booked and nap == ahead else self._ask()

    def take(self) -> None:
        """Wait the rest; send right after.

        :raises FarOff: when the turn has moved away
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
        """Ask once; give the seconds to wait, none when the turn has come."""
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
        # The end of a pause is everybody's: who gets ready for that opens hundreds of connections for one call.
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
