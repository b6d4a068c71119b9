"""Extraction from ADICT: one call per meter and range. The answers are kept as received until they are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.ledger.doubt import weigh
from grdf.meters.asking import ReadAnswer, booked, read_meter
from grdf.meters.judging import Problems
from grdf.operators.base import AccountOperator
from grdf.staging.area import StagedAnswer
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.status import Status
from include.gas.days.asked_days import daily_window, is_whole_due
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id, is_day
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.quota.terms import Purpose


class ExtractOperator(AccountOperator):
    """Asks ADICT for the gas days that a run is about, by :mod:`include.gas.days.asked_days`, with one call per meter.

    No run asks for a day that the account may not hold, that is older than 3 years, or after yesterday in Paris, nor
    for a meter without a right in force. If GRDF's quota has no room for all calls, none is made, and the task waits.

    The answers go to staging. The task returns counts. ``client`` is the hook for the account's client, from the moment
    on at which its document was read.
    """

    client: AdictHook

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: how many answers are staged, counts of their lines, and the problems that a person must know although
            the rest can be loaded
        :raises RetryLater: if GRDF could not answer at the moment
        :raises FailNow: if a person must act first
        """
        run = Run.of(context)
        document = self.accounts.document(self.account_id)
        account = self.ledger.account(document)
        stop_if_leaving(account)
        self.client = self.adict.of(document)
        asked = list(self._asked(run, document, account))
        answers: list[ReadAnswer] = []
        problems = Problems(account)
        purpose: Purpose = "history" if run.is_backfill else "daily"  # daily runs take precedence in GRDF's quota
        calls = sum(len(windows) for _, windows, _ in asked)
        with booked(self.client, f"{account.id}:extract {run.id}", calls, purpose, run.last_success) as terms:
            for meter, windows, whole in asked:
                read = read_meter(self.client, account.id, meter, windows, whole=whole, terms=terms)
                answers += read.answers
                problems.add(weigh(read.problems, self.ledger, self.client, account.id, meter.pce, terms))
        counts = _counts(answers)
        self._judge(run, account, problems, readings=counts.get("readings", 0))
        self._stage(account, run.id, [answer.staged for answer in answers])
        self.log.info("Account %s: %d answer(s) staged; lines: %s.", account.id, len(answers), counts or "none")
        return {
            "account": account.id,
            "answers": len(answers),
            "counts": counts,
            "problems": [str(problem) for problem in problems.all],
        }

    def _asked(
        self, run: Run, document: dict[str, Any], account: Account
    ) -> Iterator[tuple[Held, tuple[Window, ...], bool]]:
        """Yield the meters to ask for now, with their gas days, and whether these are all that may be asked for."""
        today = paris_today(datetime.now(UTC))
        for meter in account.meters:
            tag = meter_tag(account.id, meter.pce)
            if not meter.is_open:
                self.log.info("Account %s: meter %s is not read (%s).", account.id, tag, meter.word)
                continue
            if run.is_backfill and self._is_definitive(run, account, meter):
                continue
            last = Status.reading(document, meter.pce).last_whole(meter, today)
            # If GRDF does not give all, the run's own days come with the last try.
            gives_up = run.is_last_try and run.try_number > 1
            whole = not (run.is_backfill or gives_up) and is_whole_due(account.id, last, today)
            reread = timedelta() if run.is_backfill else timedelta(days=settings.reread_days())
            window = daily_window(run.day, today, reread, whole=whole)
            if window and (windows := meter.covered(window)):
                yield meter, windows, whole
            else:
                self.log.info("Account %s: there is no gas day of meter %s to ask for now.", account.id, tag)

    def _stage(self, account: Account, run_id: str, answers: list[StagedAnswer]) -> None:
        """Stage the answers. If the household has left in the meantime, remove them again."""
        if not answers:
            return
        self.staging.put(account.id, run_id, answers)
        try:
            stop_if_leaving(self.accounts.account(account.id))
        except (AccountLeaving, BadAccount):
            self.staging.remove(account.id, run_id)
            raise

    def _is_definitive(self, run: Run, account: Account, meter: Held) -> bool:
        """Return whether a backfilled day is stored as definitive, which saves a call to GRDF.

        Return ``False`` if the backfill's configuration asks for definitive days, or if others have damaged the day.
        """
        if run.conf.get("include_definitive") is True:
            return False
        stored = self.couchdb.get(DAY, day_id(account.id, meter.pce, run.day))
        if stored is None or stored.get("status") != "definitive" or not is_day(stored):
            return False
        self.log.info(
            "Account %s, meter %s: gas day %s is stored as definitive, so GRDF is not asked. To ask anyway, "
            'start the backfill with the configuration {"include_definitive": true}.',
            account.id, meter_tag(account.id, meter.pce), run.day,
        )  # fmt: skip
        return True

    def _judge(self, run: Run, account: Account, problems: Problems, *, readings: int) -> None:
        """Mark the account with what its household must know.

        Raise the first problem unless something can be loaded.
        """
        problems.judge(run, self.accounts)
        if problems.later and len(problems.later) == len(problems.all):
            self.accounts.mark(account.id, problems.later[0])
        if problems.all and not readings:
            raise problems.all[0]
        for problem in problems.all:
            self.log.error("%s What GRDF returned is loaded.", problem)


def _counts(answers: list[ReadAnswer]) -> dict[str, int]:
    """Return the sums of some answers' counts; empty if there are no answers."""
    counts: dict[str, int] = {}
    for answer in answers:
        for name, number in answer.lines.counts.items():
            counts[name] = counts.get(name, 0) + number
    return counts
