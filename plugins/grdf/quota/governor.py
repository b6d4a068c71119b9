"""The governor of GRDF's quota, which makes calls wait for their turn. It does not depend on Airflow."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zlib import crc32

from grdf.quota.allowance import DAY, Answer, Bearer, Purpose, Quota, Ticket, Usage
from grdf.quota.ledger import Ledger
from grdf.quota.quota_store import Change, Result, Store
from grdf.quota.terms import DAILY, Booking, Terms
from grdf.quota.turn import Turn
from include.gas.days.gas_day import PARIS
from include.gas.errors import BadSettings, QuotaWait

_TOO_MANY_REQUESTS = 429
SPREAD = 900.0
"""Seconds over which callers that have booked nothing come back when calls of the day are free again."""

log = logging.getLogger(__name__)


class Governor:
    """Lets calls go at the rate of the quota, across all workers.

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
        self._key = hashlib.sha256(client_id.encode()).hexdigest()[:16]
        self._credentials = credentials

    def turn(self, terms: Terms = DAILY, *, account: str | None = None, data: bool = False, worker: str = "") -> Turn:
        """Return the turn of one call, without waiting for it.

        :param data: whether the call carries the shared token
        :param worker: identifies the worker, as in :meth:`token_refused`
        """
        return Turn(self, account, terms, Bearer(self._credentials, data, worker))

    def token_refused(self, worker: str) -> bool:
        """Report that GRDF refused the shared token (HTTP 401). Other callers wait until a new token is accepted.

        :return: whether this worker is the one to try a new token; it then reports the result with :meth:`token_judged`
        """
        return self._change(lambda ledger, now: ledger.doubt.refused(now, self._bearer(worker)))

    def token_judged(self, worker: str, *, refused: bool | None) -> None:
        """Report whether GRDF accepts a new token. If it refuses every token of ours, nobody calls for a while.

        :param refused: ``None`` if the worker could not find out
        """
        seconds = self._change(lambda ledger, now: ledger.doubt.judged(now, self._bearer(worker), refused=refused))
        if refused:
            log.error(
                "GRDF refuses our client or any token of ours (HTTP 401): no worker calls GRDF for %.0f s. Compare "
                "login and password of the connection %s with those that GRDF sent.", seconds, self.connection,
            )  # fmt: skip

    def _bearer(self, worker: str) -> Bearer:
        return Bearer(self._credentials, data=True, worker=worker)

    def release(self, booking: Booking) -> None:
        """Release the calls that a task has booked and does not need."""
        self._change(lambda ledger, _: ledger.release(booking.name))

    def expect(self, daily_calls: int) -> None:
        """Record how many calls the daily runs of all accounts need.

        Imports then leave room for them from the first day on.

        :param daily_calls: calls per day
        """

        def expected(ledger: Ledger, _now: float) -> None:
            ledger.fleet = daily_calls

        self._change(expected)

    def after_call(self, status: int, retry_after: float | None) -> None:
        """Process GRDF's answer to a call. After a 429 all workers wait, not only this one.

        :param retry_after: the ``Retry-After`` of the answer, in seconds
        """
        if status == _TOO_MANY_REQUESTS:
            seconds = self._change(lambda ledger, now: ledger.refused(now, retry_after))
            log.warning("GRDF's quota is exceeded (HTTP 429): no worker calls GRDF for %.0f s.", seconds)

    def left(self, purpose: Purpose = "daily") -> int:
        """Return how many calls may still be made now within the daily quota."""
        return self._change(lambda ledger, now: ledger.left(now, self.quota, purpose))

    def usage(self) -> Usage:
        """Return how much of the quota is used at present."""

        def told(ledger: Ledger, now: float) -> Usage:
            left = ledger.left(now, self.quota, "daily")
            return Usage(*ledger.used(), left, max(0.0, ledger.paused_until - now))

        return self._change(told)

    def time_needed(self, calls: int, purpose: Purpose = "daily") -> float:
        """Return the least time that some calls take from now on, in seconds, over the days on which they spread."""

        def told(ledger: Ledger, now: float) -> tuple[int, int]:
            return ledger.left(now, self.quota, purpose), self.quota.share(purpose, ledger.wanted_daily())

        left, share = self._change(told)
        if calls <= left:
            return calls * self.quota.distance
        days, last = divmod(calls - left - 1, max(1, share))
        return (days + 1) * DAY + (last + 1) * self.quota.distance

    def ask(
        self, terms: Terms, ticket: Ticket | None, left: float, account: str | None, bearer: Bearer
    ) -> tuple[Answer, float]:
        """Ask once for permission to call. :class:`Turn` repeats this until the call may go.

        :param ticket: the booking from an earlier request
        :param left: seconds that the call may still wait
        :return: the answer, and when it was given on :attr:`clock`
        """

        def asked(ledger: Ledger, now: float) -> tuple[Answer, float, float, bool]:
            told = ledger.ask(now, self.quota, terms, ticket, patience=left, bearer=bearer)
            # A caller that booked in time is not rejected for asking late.
            too_long = told.seconds > left + 2 * self.quota.distance
            if ticket and too_long:
                ledger.take_back(now, terms, ticket)
            return told, self.clock(), now, too_long

        told, given, now, too_long = self._change(asked)
        if told.reason == "day":
            until = now + told.seconds
            if terms.purpose == "history" or (terms.purpose == "daily" and not terms.booking):
                # They have booked nothing. Thousands would come again at once, for a few calls that are free then.
                until += SPREAD * crc32(f"{account} {now}".encode()) / 2**32
            raise self._spent(account, terms.purpose, until, now)
        if too_long:
            raise self._too_long(account, told, now)
        return told, given

    def give_up(self, terms: Terms, ticket: Ticket | None) -> None:
        """Stop counting a booked call that will not be made in its present form."""
        if ticket:
            self._change(lambda ledger, now: ledger.take_back(now, terms, ticket))

    def _change(self, change: Callable[[Ledger, float], Result]) -> Result:
        def turn(text: str | None, now: float) -> tuple[str, Result]:
            ledger = Ledger.read(text)
            result = change(ledger, now)
            return ledger.text(), result

        ready: Change[Result] = turn
        try:
            return self._store.update(self._key, ready)
        except ValueError as error:
            raise BadSettings.about(
                None,
                f"the record of calls to GRDF in [grdf] quota_url is damaged ({error})",
                "Remove it (the SQLite file, or the row of the table grdf_quota). It is created again, and the calls "
                "of the last 24 hours are then not counted.",
            ) from None

    def _spent(self, account: str | None, purpose: Purpose, until: float, now: float) -> QuotaWait:
        quota = self.quota
        whose = f"all {quota.calls_per_day} calls that GRDF allows in 24 hours are used up"
        if purpose == "history" and self.left("daily"):
            share = quota.share("history", self._change(lambda ledger, _: ledger.wanted_daily()))
            whose = (
                f"the {share} calls that imports of the past may make in 24 hours are used up; the other "
                f"{quota.calls_per_day - share} are kept for daily runs"
            )
        return QuotaWait.about(
            account,
            f"GRDF was not called, since {whose}",
            f"Nothing to do: it continues automatically from {_when(until)}.",
            retry_after=max(1.0, until - now),
        )

    def _too_long(self, account: str | None, told: Answer, now: float) -> QuotaWait:
        until, retry = _when(now + told.seconds), max(1.0, told.seconds)
        if told.reason == "token":
            return QuotaWait.about(
                account,
                "GRDF was not called, since it refuses our client or any token of ours (HTTP 401): all our workers "
                f"wait until {until}",
                f"Compare login and password of the connection {self.connection} with what GRDF sent; then it "
                "continues automatically.",
                retry_after=retry,
            )
        cause = f"it asked all our workers to wait until {until}"
        if told.reason == "turn":
            cause = (
                f"{self.quota.calls_per_second:g} call(s) a second are allowed and more calls are waiting than can be "
                f"made until {until}"
            )
        return QuotaWait.about(account, f"GRDF was not called, since {cause}", retry_after=retry)


def _when(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC).astimezone(PARIS):%H:%M on %-d %B %Y} (Paris time)"
