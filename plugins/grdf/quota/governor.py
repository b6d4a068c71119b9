"""The governor of GRDF's quota: it makes calls wait for their turn. It knows nothing of Airflow."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from grdf.quota.allowance import Bearer, Claim, Go, Purpose, Quota, Spent, Ticket, Wait, time_needed
from grdf.quota.ledger import Ledger
from grdf.quota.quota_store import Change, Result, Store
from grdf.quota.terms import DAILY, Booking, Terms
from grdf.quota.turn import Turn
from include.gas.days.gas_day import PARIS
from include.gas.errors import BadSettings, LinkCallsSpent, QuotaWait

_TOO_MANY_REQUESTS = 429

log = logging.getLogger(__name__)


class Governor:
    """Lets calls go at the quota's pace, whoever makes them.

    :param store: what all workers share
    :param client_id: GRDF's client id, whose quota it is
    :param quota: what the client may do
    :param sleep: waits some seconds
    :param clock: this process's own clock (seconds)
    :param credentials: a fingerprint of the client's id and secret: what GRDF refuses of them concerns no others
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
    ) -> None:
        self.quota = quota
        self.sleep = sleep
        self.clock = clock
        self._store = store
        self._key = hashlib.sha256(client_id.encode()).hexdigest()[:16]
        self._credentials = credentials

    def turn(self, terms: Terms = DAILY, *, account: str | None = None, data: bool = False, worker: str = "") -> Turn:
        """Return one call's turn, which is not yet waited for.

        :param terms: on what terms it waits
        :param account: the account's id, for messages
        :param data: whether it carries the token that all share
        :param worker: names the worker, as in :meth:`token_refused`
        """
        return Turn(self, account, terms, Bearer(self._credentials, data, worker))

    def token_refused(self, worker: str) -> bool:
        """Tell that GRDF refused the token that all share (HTTP 401): the others wait until it takes a new one.

        :param worker: names the worker that says so
        :return: whether it is the one to find out; it then says how it ended (:meth:`token_judged`)
        """
        return self._change(lambda ledger, now: ledger.token_refused(now, self._bearer(worker)))

    def token_judged(self, worker: str, *, refused: bool | None) -> None:
        """Tell whether GRDF takes a new token, or none from us at all: then nobody calls for a while.

        :param worker: names the worker that says so
        :param refused: ``None`` when it could not be found out
        """
        seconds = self._change(lambda ledger, now: ledger.token_judged(now, self._bearer(worker), refused=refused))
        if refused:
            log.error(
                "GRDF refuses our client or any token of ours (HTTP 401): no worker calls GRDF for %.0f s. Compare "
                "login and password of the connection grdf_adict with those that GRDF sent.", seconds,
            )  # fmt: skip

    def _bearer(self, worker: str) -> Bearer:
        return Bearer(self._credentials, data=True, worker=worker)

    def release(self, booking: Booking) -> None:
        """Let others have the calls that a task has booked and does not need.

        :param booking: its calls
        """
        self._change(lambda ledger, _: ledger.release(booking.name))

    def expect(self, daily_calls: int) -> None:
        """Tell what the daily runs of all accounts need, so that imports leave it to them from the first day on.

        :param daily_calls: calls a day
        """

        def expected(ledger: Ledger, _now: float) -> None:
            ledger.fleet = daily_calls

        self._change(expected)

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
        return self._change(lambda ledger, now: ledger.left(now, self.quota, purpose))

    def time_needed(self, calls: int, purpose: Purpose = "daily") -> float:
        """Estimate the seconds that some calls take at the least, from now on.

        :param calls: how many
        :param purpose: for whom
        """
        return time_needed(calls, self.quota, purpose, self.left(purpose), self._wanted_daily())

    def _wanted_daily(self) -> int:
        return self._change(lambda ledger, _: ledger.wanted_daily())

    def ask(
        self,
        terms: Terms,
        ticket: Ticket | None,
        waited: float,
        account: str | None,
        claim: Claim | None = None,
        bearer: Bearer | None = None,
    ) -> tuple[Go | Wait, float]:
        """Ask once for a call; :class:`Turn` does so until it may go.

        :param terms: on what terms it waits
        :param ticket: what was booked before
        :param waited: seconds that it has waited
        :param account: the account's id, for messages
        :param claim: the calls of which it is one
        :param bearer: whose call it is
        :return: the verdict, and when it was given on :attr:`clock`
        :raises GasError: see :meth:`Turn.draw_near`
        """
        purpose, left = terms.purpose, terms.longest_wait - waited

        def asked(ledger: Ledger, now: float) -> tuple[Go | Wait | Spent, float, float]:
            verdict = ledger.ask(now, self.quota, purpose, ticket, patience=left, claim=claim, bearer=bearer)
            if ticket and self._is_too_long(verdict, left):
                ledger.take_back(now, purpose, ticket, claim)
            return verdict, self.clock(), now

        verdict, given, now = self._change(asked)
        if isinstance(verdict, Spent):
            raise self._spent(account, purpose, verdict.until, now)
        if isinstance(verdict, Wait) and self._is_too_long(verdict, left):
            raise self._too_long(account, verdict, now, terms.longest_wait)
        return verdict, given

    def give_up(self, purpose: Purpose, ticket: Ticket | None, claim: Claim | None) -> None:
        """Count a call no more that was booked and will not be made as it is.

        :param purpose: what it was for
        :param ticket: its booking
        :param claim: the calls of which it is one
        """
        if ticket:
            self._change(lambda ledger, now: ledger.take_back(now, purpose, ticket, claim))

    def _is_too_long(self, verdict: Go | Wait | Spent, left: float) -> bool:
        # Who booked in time is not sent away for being late.
        return isinstance(verdict, Wait) and verdict.seconds > left + 2 * self.quota.distance

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
                "Remove it (the SQLite file, the row of the table grdf_quota, or the Redis key grdf:quota:...). "
                "It is created again, and the calls of the last 24 hours are then not counted.",
            ) from None

    def _spent(self, account: str | None, purpose: Purpose, until: float, now: float) -> QuotaWait:
        quota = self.quota
        if purpose == "link":
            return LinkCallsSpent.about(
                account,
                f"GRDF was not called, since the {quota.links} calls that household links may start in 24 hours "
                "are used up ([grdf] household_link_calls)",
                f"Links work again from {_when(until)}.",
                retry_after=max(1.0, until - now),
            )
        whose = f"all {quota.calls_per_day} calls that GRDF allows in 24 hours are used up"
        if purpose == "history" and self.left("daily"):
            share = quota.share("history", self._wanted_daily())
            whose = (
                f"the {share} calls that imports of the past may make in 24 hours are used up; the other "
                f"{quota.calls_per_day - share} are kept for daily runs ([grdf] daily_reserve)"
            )
        return QuotaWait.about(
            account,
            f"GRDF was not called, since {whose}",
            f"Nothing to do: it continues automatically from {_when(until)}.",
            retry_after=max(1.0, until - now),
        )

    def _too_long(self, account: str | None, wait: Wait, now: float, longest: float) -> QuotaWait:
        if wait.token:
            return QuotaWait.about(
                account,
                "GRDF was not called, since it refuses our client or any token of ours (HTTP 401): all our workers "
                f"wait until {_when(now + wait.seconds)}",
                "Compare login and password of the connection grdf_adict with what GRDF sent; then it continues "
                "automatically.",
                retry_after=max(1.0, wait.seconds),
            )
        if wait.paused:
            cause = f"GRDF was not called, since it asked all our workers to wait until {_when(now + wait.seconds)}"
        else:
            cause = (
                f"GRDF was not called, since {self.quota.calls_per_second:g} call(s) a second are allowed and more "
                f"calls are waiting than can be made in {longest / 60:.0f} minutes"
            )
        return QuotaWait.about(account, cause, retry_after=max(1.0, wait.seconds))


def _when(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC).astimezone(PARIS):%H:%M on %-d %B %Y} (Paris time)"
