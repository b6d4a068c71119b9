"""The governor of GRDF's quota, which makes calls wait for their turn across all tasks, workers and machines."""

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


class Usage(NamedTuple):
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


def governor_for(client: GrdfConnection) -> Governor:
    """Return the governor for a connection's client. Connections with the same client id share one quota.

    :raises BadSettings: if a setting of the quota is invalid
    """
    from grdf import settings  # Airflow's; the arithmetic does without

    return Governor(
        QuotaStore(settings.quota_url()),
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

        :raises QuotaWait: if the call would have to wait longer than the longest wait, or until calls of the day stop
            counting; ``retry_after`` says how long
        :raises BadSettings: if the calls cannot be counted
        :raises StoreBusy: if the calls cannot be counted at the moment
        """
        turn = Turn(self, account, terms)
        turn.book_call()
        return turn

    def release_calls(self, terms: Terms) -> None:
        """Stop counting the calls that a task has booked and does not need."""
        if (booking := terms.booking) and booking.counted:
            self.change_state(lambda ledger, _: ledger.release_calls(Ticket(terms.purpose, booking)))

    def after_call(self, status: int, retry_after: float | None) -> None:
        """Process GRDF's answer to a call. After a 429 all workers wait, not only this one.

        :param retry_after: the ``Retry-After`` of the answer, in seconds
        """
        if status == 429:
            seconds = self.change_state(lambda ledger, now: ledger.pause.begin(now, retry_after))
            log.warning("GRDF's quota is exceeded (HTTP 429): no worker calls GRDF for %.0f s.", seconds)

    def note_refusal(self) -> None:
        """Report that GRDF refused our client or the shared token. Nobody calls with these credentials for a while."""
        log.warning(
            "GRDF refuses our client or a token of ours (HTTP 401): no worker calls GRDF for %.0f s. If this "
            "continues, compare login and password of the connection %s with those that GRDF sent.",
            self.change_state(lambda ledger, now: ledger.refusal.begin(now, credentials=self.credentials)),
            self.connection,
        )  # fmt: skip

    def set_daily_need(self, daily_calls: int) -> None:
        """Record how many calls a day the daily runs of all accounts need, for which imports leave room."""

        def expected(ledger: QuotaState, _: float) -> None:
            ledger.fleet = daily_calls

        self.change_state(expected)

    def calls_left(self, purpose: Purpose = "daily") -> int:
        """Return how many calls may still be made now within the daily quota."""
        return self.change_state(lambda ledger, _: ledger.calls_left(self.quota, purpose))

    def usage(self) -> Usage:
        """Return how much of the quota is used at present."""

        def used(ledger: QuotaState, now: float) -> Usage:
            pause = max(0.0, ledger.pause.until - now)
            return Usage(*ledger.count_calls(), ledger.calls_left(self.quota, "daily"), pause)

        return self.change_state(used)

    def time_needed(self, calls: int) -> float:
        """Return the least time that an import's calls take from now on, in seconds, with the days it waits for."""
        left, share = self.change_state(
            lambda ledger, _: (ledger.calls_left(self.quota, "history"), ledger.share(self.quota, "history"))
        )
        if calls <= left:
            return calls * self.quota.distance
        days, last = divmod(calls - left - 1, max(1, share))
        return (days + 1) * DAY + (last + 1) * self.quota.distance

    def earliest_end(self, calls: int) -> str:
        """Return when an import's calls are made at the earliest, for example ``14:05 on 25 November (Paris time)``."""
        end = datetime.now(UTC) + timedelta(seconds=self.time_needed(calls))
        return f"{end.astimezone(PARIS):%H:%M on %-d %B} (Paris time)"

    def change_state(self, change: Callable[[QuotaState, float], Result]) -> Result:
        """Change the ledger, and return what the change does.

        :param change: a function of the ledger and the shared clock (epoch seconds)
        """

        def changed(text: str | None, now: float) -> tuple[str, Result]:
            ledger = QuotaState.parse(text, now)
            result = change(ledger, now)
            return ledger.to_text(), result

        return self._store.update(self._key, changed)


class Turn:
    """The turn of one call: draw near, connect, take it, send.

    Turns are only a little more than GRDF's second apart. Any delay between a turn and the sending can bring two calls
    close together at GRDF, which then answers 429: opening a connection with its TLS handshake, or a machine whose
    cores are all busy. So a call first waits until its turn is near, then connects, takes its turn last, and asks again
    if it was delayed all the same.

    :ivar waited: the seconds for which the call has waited so far
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
        """Process GRDF's answer, unless who answered may be an address that a person has mistyped."""
        if not self._is_trial:
            self._governor.after_call(status, retry_after)

    def _ask(self, patience: float) -> Wait:
        """Ask once for permission to call.

        :param patience: seconds that the call may still wait
        """
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
        """Return the error that says why a call waits, and until when."""
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
