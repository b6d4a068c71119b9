"""Extraction from ADICT: one call per meter and range; answers are staged as received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.meters.meter_requests import MeterRead, MeterRequest, handle_problems, read_meters, unsettled_windows
from grdf.operators.base import AccountRunOperator
from include.gas.account.account import Account, check_not_leaving
from include.gas.account.state import settle_account
from include.gas.account.status import Status
from include.gas.days.asked_days import daily_window, is_full_read_due
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.errors import GasError, RetryLater
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.quota.call_terms import Purpose


class ExtractOperator(AccountRunOperator):
    """Asks ADICT for a run's gas days (:mod:`include.gas.days.asked_days`), one call per meter, and stages them.

    Only allowed days of the last 3 years up to yesterday in Paris, under a right in force. Without room in GRDF's quota
    for all calls, none is made, and the task waits.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts and problems; ``RetryLater`` if GRDF could not answer, ``FailNow`` if a person must act."""
        run = Run.from_context(context)
        document = self.accounts.read_document(self.account_id)
        check_not_leaving(document)
        account = self.ledger.read_account(document)
        if settle_account(document, account.meters, datetime.now(UTC)) != document:  # a right has ended since the look
            self.accounts.update(account.id, self.ledger.settle_account)
        purpose: Purpose = "history" if run.is_backfill else "daily"  # daily runs take precedence in GRDF's quota
        asked = list(self._plan_requests(run, document, account))
        reads = list(read_meters(self.adict.for_account(document), self.ledger, account.id, asked, run, purpose))
        answers = [answer for read in reads for answer in read.answers]
        counts = Counter[str]()
        for _, lines in answers:
            counts.update(lines.counts)
        problems = self._handle_problems(run, account, reads, readings=counts["readings"])
        if answers:
            self.staging.put(account.id, run.id, [staged for staged, _ in answers])
        self.log.info("Account %s: %d answer(s) staged; lines: %s.", account.id, len(answers), dict(counts) or "none")
        return {
            "account": account.id,
            "answers": len(answers),
            "counts": dict(counts),
            "problems": [str(problem) for problem in problems],
        }

    def _plan_requests(self, run: Run, document: dict[str, Any], account: Account) -> Iterator[MeterRequest]:
        today = paris_today(datetime.now(UTC))
        for meter in account.meters:
            tag = meter_tag(account.id, meter.pce)
            if not meter.is_open_daily:
                why = "it injects gas, which grdf_published reads" if meter.is_open else meter.word
                self.log.info("Account %s: meter %s is not read (%s).", account.id, tag, why)
                continue
            last = Status.reading_of(document, meter.pce).last_whole(meter, today)
            # If GRDF does not give all, the last try asks for the run's own days.
            gives_up = run.is_last_try and run.try_number > 1
            whole = not (run.is_backfill or gives_up) and is_full_read_due(account.id, last, today)
            reread = timedelta() if run.is_backfill else timedelta(days=settings.reread_days())
            window = daily_window(run.day, today, reread, whole=whole)
            windows = meter.allowed_parts(window) if window else ()
            if not windows:
                self.log.info("Account %s: there is no gas day of meter %s to ask for now.", account.id, tag)
            elif run.is_backfill and self._is_definitive(run, meter.pce, windows):
                self.log.info(
                    "Account %s, meter %s: gas day %s is stored as definitive, so GRDF is not asked. To ask anyway, "
                    'start the backfill with the configuration {"include_definitive": true}.', account.id, tag, run.day,
                )  # fmt: skip
            else:
                yield MeterRequest(meter, windows, whole)

    def _is_definitive(self, run: Run, pce: str, windows: Sequence[Window]) -> bool:
        """Return whether a backfilled day is definitive, unless the backfill's configuration includes such."""
        asks_all = run.conf.get("include_definitive") is True
        return not asks_all and not unsettled_windows(self.couchdb, self.account_id, pce, windows)

    def _handle_problems(
        self, run: Run, account: Account, reads: Sequence[MeterRead], *, readings: int
    ) -> list[GasError]:
        """Mark the account with what its household must know. Raise the first problem if nothing can be loaded."""
        problems = handle_problems(run, self.accounts, account, reads)
        if problems and all(isinstance(problem, RetryLater) for problem in problems):
            self.accounts.mark_error(account.id, problems[0])
        if problems and not readings:
            raise problems[0]
        for problem in problems:
            self.log.error("%s What GRDF returned is loaded.", problem)
        return problems
