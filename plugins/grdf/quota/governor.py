"""The governor of GRDF's quota, which makes calls wait for their turn across all tasks, workers and machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from grdf import settings
from grdf.quota.ledger import DAY, Answer, Ledger, Ticket
from grdf.quota.quota_store import Result, Store, store_at
from grdf.quota.terms import DAILY, Booking, Purpose, Quota, Terms
from include.gas.days.gas_day import PARIS
from include.gas.errors import BadSettings, QuotaWait

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

NEAR = 1.0
"""How many seconds before its turn a call connects. It is longer than that takes, and so short that at 1 call per
second only one call holds a connection open, with a token that GRDF may refuse by then."""
HELD_OPEN = 5.0
"""How long a connection is held open for a turn that moves away, in seconds. Later the server may have closed it."""
HELD_UP, LEAST_HELD_UP, ASK_TIMES = 0.026, 0.01, 3
"""By which fraction of the distance between two calls sending may be delayed after the turn came: less than half of the
margin, and at least some seconds, because asking again takes as long. A call that is later asks again, so many times in
all."""
_LEAST_WAIT, _LONGEST_SLEEP = 0.001, 60.0
"""Seconds: a clock in epoch seconds does not tell less apart; whoever waits looks again and says so."""
_REASONS = {
    "turn": "other calls come first",
    "pause": "GRDF asked us to slow down (HTTP 429)",
    "token": "GRDF refused the token that all share (HTTP 401)",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usage:
    """How much of a client's quota is used at present.

    :param calls: calls that count: those of the last 24 hours, and all of this Paris day
    :param history: those of them that history imports made
    :param left: calls that may still be made
    :param pause: seconds for which nobody calls, because GRDF has refused a call with 429
    """

    calls: int
    history: int
    left: int
    pause: float


class Moment(NamedTuple):
    """When an answer was given.

    :param clock: the time on the governor's clock
    :param refusal: the end of the last pause after GRDF refused the shared token (epoch seconds)
    """

    clock: float
    refusal: float


def governor_for(client: GrdfConnection) -> Governor:
    """Return the governor for a connection's client. Connections with the same client id share one quota.

    :raises BadSettings: if a setting of the quota is invalid
    """
    return Governor(
        store_at(settings.quota_url()),
        client.client_id,
        Quota(client.calls_per_second, client.calls_per_day),
        credentials=sha256(f"{client.client_id}:{client.client_secret}".encode()).hexdigest()[:16],
        connection=client.conn_id,
    )


class Governor:
    """Lets calls go at the rate of the quota.

    :param store: the state shared by all workers
    :param client_id: GRDF's client id; the quota is counted per client
    :param sleep: waits for a number of seconds
    :param clock: this process's own monotonic clock (seconds)
    :param credentials: a fingerprint of the client's id and secret; a refusal of these does not affect other
        credentials
    :param connection: the id of the client's Airflow connection, for messages
    """

    def __init__(
        self,
        store: Store,
        client_id: str,
        quota: Quota,
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        credentials: str = "",
        connection: str = "grdf_adict",
    ) -> None:
        self.quota = quota
        self.connection = connection
        self.sleep = sleep
        self.clock = clock
        self._store = store
        self._key = sha256(client_id.encode()).hexdigest()[:16]
        self._credentials = credentials

    def turn(self, terms: Terms = DAILY, *, account: str | None = None) -> Turn:
        """Return the turn of one call, once it is near.

        :raises QuotaWait: if the call would have to wait longer than the longest wait, or until calls of the day stop
            counting; ``retry_after`` says how long
        :raises BadSettings: if the calls cannot be counted
        :raises StoreBusy: if the calls cannot be counted at the moment
        """
        turn = Turn(self, account, terms)
        turn.draw_near()
        return turn

    def ask(
        self, terms: Terms, booking: Booking, ticket: Ticket | None, patience: float, account: str | None
    ) -> tuple[Answer, Moment]:
        """Ask once for permission to call. :class:`Turn` repeats this until the call may go.

        :param ticket: from an earlier answer
        :param patience: seconds that the call may still wait
        """

        def asked(ledger: Ledger, now: float) -> tuple[Answer, Moment, float, bool]:
            told = ledger.ask(now, self.quota, terms, booking, ticket, patience=patience, credentials=self._credentials)
            # A caller that booked in time is not rejected for asking late.
            too_long = told.reason == "day" or told.seconds > patience + 2 * self.quota.distance
            if too_long:
                ledger.give_back(terms.purpose, booking, ticket)
            return told, Moment(self.clock(), ledger.refusal.until), now, too_long

        told, given, now, too_long = self._change(asked)
        if told.reason == "day" and booking.name and booking.since is None:
            booking.since = booking.last_read()
            return self.ask(terms, booking, ticket, patience, account)
        if too_long:
            raise self._wait(account, terms.purpose, told, now)
        return told, given

    def release(self, terms: Terms) -> None:
        """Release the calls that a task has booked and does not need."""
        if (booking := terms.booking) and booking.counted:
            self.give_back(terms.purpose, booking)

    def give_back(self, purpose: Purpose, booking: Booking, ticket: Ticket | None = None) -> None:
        """Stop counting calls that are not made."""
        self._change(lambda ledger, _: ledger.give_back(purpose, booking, ticket))

    def after_call(self, status: int, retry_after: float | None) -> None:
        """Process GRDF's answer to a call. After a 429 all workers wait, not only this one.

        :param retry_after: the ``Retry-After`` of the answer, in seconds
        """
        if status == 429:
            seconds = self._change(lambda ledger, now: ledger.slow_down.begin(now, retry_after))
            log.warning("GRDF's quota is exceeded (HTTP 429): no worker calls GRDF for %.0f s.", seconds)

    def refused(self) -> None:
        """Report that GRDF refused our client or the shared token. Nobody calls with these credentials for a while."""

        def refused(ledger: Ledger, now: float) -> float:
            ledger.refused = self._credentials
            return ledger.refusal.begin(now)

        log.warning(
            "GRDF refuses our client or a token of ours (HTTP 401): no worker calls GRDF for %.0f s. If this "
            "continues, compare login and password of the connection %s with those that GRDF sent.",
            self._change(refused), self.connection,
        )  # fmt: skip

    def expect(self, daily_calls: int) -> None:
        """Record how many calls a day the daily runs of all accounts need, for which imports leave room."""

        def expected(ledger: Ledger, _: float) -> None:
            ledger.fleet = daily_calls

        self._change(expected)

    def left(self, purpose: Purpose = "daily") -> int:
        """Return how many calls may still be made now within the daily quota."""
        return self._change(lambda ledger, _: ledger.left(self.quota, purpose))

    def usage(self) -> Usage:
        """Return how much of the quota is used at present."""
        return self._change(
            lambda ledger, now: Usage(
                *ledger.used(), ledger.left(self.quota, "daily"), max(0.0, ledger.slow_down.until - now)
            )
        )

    def time_needed(self, calls: int) -> float:
        """Return the least time that an import's calls take from now on, in seconds, with the days it waits for."""
        left, share = self._change(
            lambda ledger, _: (ledger.left(self.quota, "history"), ledger.share(self.quota, "history"))
        )
        if calls <= left:
            return calls * self.quota.distance
        days, last = divmod(calls - left - 1, max(1, share))
        return (days + 1) * DAY + (last + 1) * self.quota.distance

    def how_long(self, calls: int) -> str:
        """Return :meth:`time_needed` as text, for example ``about 3 min, until 14:05 on 25 November (Paris time)``."""
        seconds = self.time_needed(calls)
        end = (datetime.now(UTC) + timedelta(seconds=seconds)).astimezone(PARIS)
        return f"about {_duration(seconds)}, until {end:%H:%M on %-d %B} (Paris time)"

    def _change(self, change: Callable[[Ledger, float], Result]) -> Result:
        def changed(text: str | None, now: float) -> tuple[str, Result]:
            ledger = Ledger.read(text, now)
            result = change(ledger, now)
            return ledger.text(), result

        try:
            return self._store.update(self._key, changed)
        except ValueError as error:
            raise BadSettings.about(
                None,
                f"the record of calls to GRDF in [grdf] quota_url is damaged ({error})",
                "Remove it (the SQLite file, or the row of the table grdf_quota). It is created again, and the calls "
                "of the last 24 hours are then not counted.",
            ) from None

    def _wait(self, account: str | None, purpose: Purpose, told: Answer, now: float) -> QuotaWait:
        """Return the error that says why a call waits, and until when."""
        quota = self.quota
        until = f"{datetime.fromtimestamp(now + told.seconds, UTC).astimezone(PARIS):%H:%M on %-d %B %Y} (Paris time)"
        next_step: str | None = f"Nothing to do: it continues automatically from {until}."
        if told.reason == "token":
            cause = f"it refuses our client or any token of ours (HTTP 401): all our workers wait until {until}"
            next_step = (
                f"Compare login and password of the connection {self.connection} with what GRDF sent; then it "
                "continues automatically."
            )
        elif told.reason == "pause":
            cause, next_step = f"it asked all our workers to wait until {until}", None
        elif told.reason == "turn":
            next_step = None
            cause = (
                f"{quota.calls_per_second:g} call(s) a second are allowed and more calls are waiting than can be "
                f"made until {until}"
            )
        elif purpose == "history" and self.left():
            share = self._change(lambda ledger, _: ledger.share(quota, "history"))
            cause = (
                f"the {share} calls that imports of the past may make in 24 hours are used up; the other "
                f"{quota.calls_per_day - share} are kept for daily runs"
            )
        else:
            cause = f"all {quota.calls_per_day} calls that GRDF allows in 24 hours are used up"
        return QuotaWait.about(
            account, f"GRDF was not called, since {cause}", next_step, retry_after=max(1.0, told.seconds)
        )


class Turn:
    """The turn of one call: draw near, connect, take it, send.

    Turns are only a little more than GRDF's second apart. Any delay between a turn and the sending can bring two calls
    close together at GRDF, which then answers 429: opening a connection with its TLS handshake, or a machine whose
    cores are all busy. So a call first waits until its turn is near, then connects, takes its turn last, and asks again
    if it was delayed all the same.

    :ivar waited: the seconds for which the call has waited so far
    :ivar met_refusal: whether GRDF has refused the shared token meanwhile, so that there may be another one now
    """

    def __init__(self, governor: Governor, account: str | None, terms: Terms) -> None:
        self.connection = governor.connection
        self.waited = 0.0
        self.met_refusal = False
        self._governor = governor
        self._account = account
        self._terms = terms
        self._booking = terms.booking or Booking()
        self._ticket: Ticket | None = None
        self._given: Moment | None = None

    def draw_near(self) -> None:
        """Book the call, and wait until it is time to connect."""
        while True:
            told = self._ask(self._terms.longest_wait - self.waited)
            ahead = told.seconds - (NEAR if told.ticket else 0.0)
            if ahead <= 0:
                return
            if ahead > HELD_OPEN:
                log.info("Waiting %.0f s for GRDF's quota: %s.", told.seconds, _REASONS[told.reason])
            self._sleep(min(ahead, _LONGEST_SLEEP))

    def take(self) -> None:
        """Wait for the rest of the time. The caller sends right after."""
        enough = max(HELD_UP * self._governor.quota.distance, LEAST_HELD_UP)
        for _ in range(ASK_TIMES):
            while (told := self._ask(min(HELD_OPEN, self._terms.longest_wait))).seconds:
                self._sleep(told.seconds)
            late = self._passed
            if late <= enough:
                return
            log.debug("Delayed by %.0f ms after its turn had come; the next call waits for it.", 1000 * late)

    def give_up(self) -> None:
        """Stop counting the call, which is not made."""
        self._governor.give_back(self._terms.purpose, self._booking, self._ticket)

    def _ask(self, patience: float) -> Answer:
        before = self._given
        told, self._given = self._governor.ask(self._terms, self._booking, self._ticket, patience, self._account)
        self._ticket = told.ticket
        if told.reason == "token" or (before and before.refusal != self._given.refusal):
            self.met_refusal = True
        return told

    @property
    def _passed(self) -> float:
        """The seconds since the last answer."""
        return self._governor.clock() - self._given.clock if self._given else 0.0

    def _sleep(self, seconds: float) -> None:
        seconds = max(_LEAST_WAIT, seconds - self._passed)
        self._governor.sleep(seconds)
        self.waited += seconds


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"
