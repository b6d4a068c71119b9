"""The governor of GRDF's quota: calls wait for their turn across all tasks, workers and machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from grdf.quota.call_terms import DAILY, Booking, Purpose, Quota, Terms
from grdf.quota.quota_state import DAY, QuotaState, Ticket, Wait
from grdf.quota.quota_store import QuotaStore, Result
from include.gas.days.gas_day import PARIS
from include.gas.errors import QuotaWait

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

NEAR = 1.0
"""Seconds before its turn at which a call connects: enough, and at 1 call per second one connection at a time."""
HELD_OPEN = 5.0
"""Seconds for which a connection is held for a turn that moves away, before the server closes it."""
HELD_UP, LEAST_HELD_UP, ASK_TIMES = 0.026, 0.01, 3
"""Fraction of the calls' distance and least seconds that sending may lag, and how often a call asks in all."""
_LEAST_WAIT, _LONGEST_SLEEP = 0.001, 60.0
"""Seconds: what a clock in epoch seconds resolves; the pause between looks of a waiting call."""
_REASONS = {
    "turn": "other calls come first",
    "pause": "GRDF asked us to slow down (HTTP 429)",
    "token": "GRDF refused the token that all share (HTTP 401)",
}

log = logging.getLogger(__name__)


class Usage(NamedTuple):
    """How much of a client's quota is used: calls of the last 24 hours and this Paris day; a pause in seconds."""

    calls: int
    history: int
    left: int
    pause: float


def governor_for(client: GrdfConnection) -> Governor:
    """Return the governor for a client id's quota; ``BadSettings`` if a setting of it is wrong."""
    from grdf import settings  # Airflow's settings; the arithmetic does without

    return Governor(
        QuotaStore(settings.quota_url()),
        client.client_id,
        Quota(client.calls_per_second, client.calls_per_day),
        credentials=sha256(f"{client.client_id}:{client.client_secret}".encode()).hexdigest()[:16],
        connection=client.conn_id,
    )


class Governor:
    """Lets calls go at the rate of a client's quota, by a state that all workers share.

    :param clock: this process's own monotonic clock (seconds)
    :param credentials: fingerprint of id and secret, whose refusal does not affect others
    """

    def __init__(
        self,
        store: QuotaStore,
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
        self.credentials = credentials
        self._store = store
        self._key = sha256(client_id.encode()).hexdigest()[:16]

    def turn(self, terms: Terms = DAILY, *, account: str | None = None) -> Turn:
        """Return the turn of one call, once it is near.

        :raises QuotaWait: if it would exceed the longest wait; ``retry_after`` has the seconds
        :raises BadSettings: if the calls cannot be counted
        :raises StoreBusy: if they cannot be counted at the moment
        """
        turn = Turn(self, account, terms)
        turn.book_call()
        return turn

    def release_calls(self, terms: Terms) -> None:
        """Stop counting the calls that a task has booked and does not need."""
        if (booking := terms.booking) and booking.counted:
            self.change_state(lambda ledger, _: ledger.release_calls(Ticket(terms.purpose, booking)))

    def after_call(self, status: int, retry_after: float | None) -> None:
        """Process GRDF's answer to a call. After a 429 all workers wait."""
        if status == 429:
            seconds = self.change_state(lambda ledger, now: ledger.pause.begin(now, retry_after))
            log.warning("GRDF's quota is exceeded (HTTP 429): no worker calls GRDF for %.0f s.", seconds)

    def note_refusal(self) -> None:
        """Report a refusal of our client or token. These credentials pause."""
        log.warning(
            "GRDF refuses our client or a token of ours (HTTP 401): no worker calls GRDF for %.0f s. If this "
            "continues, compare login and password of the connection %s with those that GRDF sent.",
            self.change_state(lambda ledger, now: ledger.refusal.begin(now, credentials=self.credentials)),
            self.connection,
        )  # fmt: skip

    def set_daily_need(self, daily_calls: int) -> None:
        """Record how many calls a day daily runs need, for which imports leave room."""

        def expected(ledger: QuotaState, _: float) -> None:
            ledger.fleet = daily_calls

        self.change_state(expected)

    def calls_left(self, purpose: Purpose = "daily") -> int:
        """Return how many calls may still be made within the daily quota."""
        return self.change_state(lambda ledger, _: ledger.calls_left(self.quota, purpose))

    def usage(self) -> Usage:
        """Return how much of the quota is used at present."""

        def used(ledger: QuotaState, now: float) -> Usage:
            pause = max(0.0, ledger.pause.until - now)
            return Usage(*ledger.count_calls(), ledger.calls_left(self.quota, "daily"), pause)

        return self.change_state(used)

    def time_needed(self, calls: int) -> float:
        """Return the least seconds that an import's calls take, with the days waited for."""
        left, share = self.change_state(
            lambda ledger, _: (ledger.calls_left(self.quota, "history"), ledger.share(self.quota, "history"))
        )
        if calls <= left:
            return calls * self.quota.distance
        days, last = divmod(calls - left - 1, max(1, share))
        return (days + 1) * DAY + (last + 1) * self.quota.distance

    def earliest_end(self, calls: int) -> str:
        """Return the earliest end of an import's calls, such as ``14:05 on 25 November (Paris time)``."""
        end = datetime.now(UTC) + timedelta(seconds=self.time_needed(calls))
        return f"{end.astimezone(PARIS):%H:%M on %-d %B} (Paris time)"

    def change_state(self, change: Callable[[QuotaState, float], Result]) -> Result:
        """Change the quota's state by a function of it and the shared clock (epoch seconds), and return its result."""

        def changed(text: str | None, now: float) -> tuple[str, Result]:
            ledger = QuotaState.parse(text, now)
            result = change(ledger, now)
            return ledger.to_text(), result

        return self._store.update(self._key, changed)


class Turn:
    """The turn of one call: draw near, connect, take it, send.

    Turns are little more than a second apart, so a delay between turn and sending would earn a 429. A call therefore
    connects first, since a TLS handshake varies by more than that, takes its turn last, and asks again if delayed.
    """

    def __init__(self, governor: Governor, account: str | None, terms: Terms) -> None:
        self.connection = governor.connection
        self.account = account
        self.waited = 0.0
        self._governor = governor
        self._longest = terms.longest_wait
        self._is_trial = terms.trial
        self.ticket = Ticket(terms.purpose, terms.booking or Booking())
        self._asked_at = 0.0

    def book_call(self) -> None:
        """Book the call, and wait until it is time to connect."""
        while True:
            wait = self._ask(self._longest - self.waited)
            ahead = wait.seconds - (NEAR if self.ticket.at else 0.0)
            if ahead <= 0:
                return
            if ahead > HELD_OPEN:
                log.info("Waiting %.0f s for GRDF's quota: %s.", wait.seconds, _REASONS[wait.reason])
            self._sleep(min(ahead, _LONGEST_SLEEP))

    def wait_for_turn(self) -> None:
        """Wait for the rest of the time. The caller sends right after."""
        enough = max(HELD_UP * self._governor.quota.distance, LEAST_HELD_UP)
        for _ in range(ASK_TIMES):
            while (wait := self._ask(min(HELD_OPEN, self._longest))).seconds:
                self._sleep(wait.seconds)
            late = self._governor.clock() - self._asked_at
            if late <= enough:
                return
            log.debug("Delayed by %.0f ms after its turn had come; the next call waits for it.", 1000 * late)

    def give_up(self) -> None:
        """Stop counting the call, which is not made."""
        self._governor.change_state(lambda ledger, _: ledger.release_calls(self.ticket))

    def note_answer(self, status: int, retry_after: float | None) -> None:
        """Process GRDF's answer; in a trial, a mistyped address may have answered."""
        if not self._is_trial:
            self._governor.after_call(status, retry_after)

    def _ask(self, patience: float) -> Wait:
        """Ask once for permission to call."""
        governor, ticket, booking = self._governor, self.ticket, self.ticket.booking

        def ask(ledger: QuotaState, now: float) -> tuple[Wait, QuotaWait | None]:
            wait = ledger.request_call(now, governor.quota, ticket, patience=patience, credentials=governor.credentials)
            self._asked_at = governor.clock()
            # A caller that booked in time is not rejected for asking late.
            if wait.reason != "day" and wait.seconds <= patience + 2 * governor.quota.distance:
                return wait, None
            ledger.release_calls(ticket)
            return wait, self._too_long(ledger, wait, now)

        wait, too_long = governor.change_state(ask)
        if wait.reason == "day" and booking.name and booking.since is None:
            booking.since = booking.last_read()
            return self._ask(patience)
        if too_long:
            raise too_long
        return wait

    def _too_long(self, ledger: QuotaState, wait: Wait, now: float) -> QuotaWait:
        quota, share = self._governor.quota, ledger.share(self._governor.quota, "history")
        until = f"{datetime.fromtimestamp(now + wait.seconds, UTC).astimezone(PARIS):%H:%M on %-d %B %Y} (Paris time)"
        next_step = None
        if wait.reason == "token":
            cause = f"it refuses our client or any token of ours (HTTP 401): all our workers wait until {until}"
            next_step = (
                f"Compare login and password of the connection {self.connection} with what GRDF sent; then it "
                "continues automatically."
            )
        elif wait.reason == "pause":
            cause = f"it asked all our workers to wait until {until}"
        elif wait.reason == "turn":
            cause = (
                f"{quota.calls_per_second:g} call(s) a second are allowed and more calls are waiting than can be "
                f"made until {until}"
            )
        else:
            next_step = f"Nothing to do: it continues automatically from {until}."
            cause = f"all {quota.calls_per_day} calls that GRDF allows in 24 hours are used up"
            if self.ticket.purpose == "history" and ledger.calls_left(quota, "daily"):
                cause = (
                    f"the {share} calls that imports of the past may make in 24 hours are used up; the other "
                    f"{quota.calls_per_day - share} are kept for daily runs"
                )
        return QuotaWait.about(
            self.account, f"GRDF was not called, since {cause}", next_step, retry_after=max(1.0, wait.seconds)
        )

    def _sleep(self, seconds: float) -> None:
        seconds = max(_LEAST_WAIT, seconds - (self._governor.clock() - self._asked_at))
        self._governor.sleep(seconds)
        self.waited += seconds
