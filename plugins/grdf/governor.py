"""The governor of GRDF's quota: it makes calls wait for their turn. It knows nothing of Airflow; see ``grdf.quota``."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from grdf.quota_store import Change, Result, Store
from include.gas.days import PARIS
from include.gas.errors import BadSettings, QuotaWait
from include.gas.quota import Go, Ledger, Purpose, Quota, Spent, Ticket, Wait, time_needed

LONGEST_WAIT = 600.0
"""Seconds that a call waits for its turn; after that its task gives its slot back and is tried again later."""
_SAY_EVERY = 60.0
_TOO_MANY_REQUESTS = 429

log = logging.getLogger(__name__)


class Governor:
    """Lets calls go at the quota's pace, whoever makes them.

    :param store: what all workers share
    :param client_id: GRDF's client id, whose quota it is
    :param quota: what the client may do
    :param sleep: waits some seconds
    :param longest_wait: seconds that a call waits at most
    """

    def __init__(
        self,
        store: Store,
        client_id: str,
        quota: Quota,
        *,
        sleep: Callable[[float], object] = time.sleep,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.quota = quota
        self._store = store
        self._key = hashlib.sha256(client_id.encode()).hexdigest()[:16]
        self._sleep = sleep
        self._longest_wait = longest_wait

    def before_call(self, *, account: str | None = None, purpose: Purpose = "daily") -> None:
        """Wait until one call may be made; make it right after.

        :param account: the account's id, for messages
        :param purpose: ``history`` for imports of the past, which stand back behind daily runs; ``connect`` for a
            household's code, which would not live until the next day
        :raises QuotaWait: when it would take longer than the longest wait, or until the day's calls count no more;
            ``retry_after`` says how long
        :raises BadSettings: when the calls cannot be counted
        :raises StoreBusy: when the calls cannot be counted now
        """
        ticket: Ticket | None = None
        waited, next_word = 0.0, 0.0
        while True:
            left = self._longest_wait - waited
            verdict, now = self._ask(purpose, ticket, left)
            if isinstance(verdict, Go):
                return
            if isinstance(verdict, Spent):
                raise self._spent(account, purpose, verdict.until, now)
            if verdict.seconds > left + 2 * self.quota.distance:  # who booked in time is not sent away for being late
                raise self._too_long(account, verdict, now)
            ticket = verdict.ticket
            if verdict.seconds >= 2 * self.quota.distance and verdict.seconds > 5 and waited >= next_word:
                reason = "GRDF asked us to slow down (HTTP 429)" if verdict.paused else "other calls come first"
                log.info("Waiting %.0f s for GRDF's quota: %s.", verdict.seconds, reason)
                next_word = waited + _SAY_EVERY
            nap = max(0.001, min(verdict.seconds, _SAY_EVERY))
            self._sleep(nap)
            waited += nap

    def after_call(self, status: int, retry_after: float | None) -> None:
        """Tell what GRDF answered: a 429 makes all workers wait, not only this one.

        :param status: the HTTP status
        :param retry_after: what the answer names (seconds)
        """
        if status == _TOO_MANY_REQUESTS:
            seconds = self._change(lambda ledger, now: ledger.refused(now, retry_after))
            log.warning("GRDF's quota is exceeded (HTTP 429): no worker calls GRDF for %.0f s.", seconds)

    def left(self, purpose: Purpose = "daily") -> int:
        """Count the calls that may still be made now within the day's quota.

        :param purpose: for whom
        """
        total, history = self._change(lambda ledger, _: ledger.used())
        left = self.quota.calls_per_day - total
        return max(0, min(left, self.quota.share("history") - history) if purpose == "history" else left)

    def time_needed(self, calls: int, purpose: Purpose = "daily") -> float:
        """Estimate the seconds that some calls take at the least, from now on.

        :param calls: how many
        :param purpose: for whom
        """
        return time_needed(calls, self.quota, purpose, self.left(purpose))

    def _ask(self, purpose: Purpose, ticket: Ticket | None, patience: float) -> tuple[Go | Wait | Spent, float]:
        return self._change(lambda ledger, now: (ledger.ask(now, self.quota, purpose, ticket, patience=patience), now))

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
                f"what [grdf] quota_url keeps about the calls to GRDF is damaged ({error})",
                "Remove it (the SQLite file, the row of the table grdf_quota, or the Redis key grdf:quota:...): it is "
                "made anew, and the calls of the last 24 hours are then not counted.",
            ) from None

    def _spent(self, account: str | None, purpose: Purpose, until: float, now: float) -> QuotaWait:
        quota = self.quota
        whose = f"all {quota.calls_per_day} calls that GRDF allows in 24 hours are made"
        if purpose == "history" and self.left("daily"):
            whose = (
                f"the {quota.share('history')} calls that imports of the past may make in 24 hours are made; the other "
                f"{quota.reserve} are kept for daily runs ([grdf] daily_reserve)"
            )
        return QuotaWait.about(
            account,
            f"GRDF was not called, since {whose}",
            f"Nothing to do: it goes on by itself from {_when(until)}.",
            retry_after=max(1.0, until - now),
        )

    def _too_long(self, account: str | None, wait: Wait, now: float) -> QuotaWait:
        if wait.paused:
            cause = f"GRDF was not called, since it asked all our workers to wait until {_when(now + wait.seconds)}"
        else:
            cause = (
                f"GRDF was not called, since {self.quota.calls_per_second:g} call(s) a second are allowed and more "
                f"calls are waiting than can be made in {self._longest_wait / 60:.0f} minutes"
            )
        return QuotaWait.about(account, cause, retry_after=max(1.0, wait.seconds))


def _when(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC).astimezone(PARIS):%H:%M on %-d %B %Y} (Paris time)"
