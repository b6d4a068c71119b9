"""The daily check of the fleet. It fails if a person is needed, and names accounts that fall silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from logging import ERROR, INFO
from traceback import format_tb
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.health.failed_exports import find_failed_exports
from grdf.health.late_check_mail import NAMED
from grdf.operators.base import GrdfOperator
from include.gas.account.freshness import Late, Lateness
from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount, BadRequest, BadSettings, FailNow, GasError, RetryLater
from include.gas.health.broken_parts import describe_failure
from include.gas.health.causes import Cause
from include.gas.health.late_meters import find_late_meters
from include.gas.health.verdict import NamedBefore, Verdict

if TYPE_CHECKING:
    from airflow.sdk import Context

ABOUT = "GRDF gas accounts"
ACCOUNTS = "accounts"
"""The part of the look without which nothing is known of the fleet."""


class FleetUnwell(FailNow):
    """The fleet is not well; the task's log has causes and next steps."""


class CheckHealthOperator(GrdfOperator):
    """Looks at all accounts once, reports new concerns, and fails if their share is too large.

    It sets the gauges of :mod:`grdf.metrics`, and sends one mail if there is anything to report. GRDF is asked for a
    token only if no run reads a silent account.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._failures: list[tuple[Cause, str]] = []

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts, without names; ``FleetUnwell`` if a limit is crossed, ``RetryLater`` without CouchDB."""
        from grdf.health import gauges

        now = datetime.now(UTC)
        self._failures = []
        verdict, is_seen = self._verdict(context, now)
        before: NamedBefore = {}
        with self._alone(context, "names of the day before"):
            before = self._named_before(context)
        with self._alone(context, "gauges"):
            gauges.set_causes(self._with_failures(verdict))
        verdict = self._with_failures(verdict)

        news = verdict.lines_to_mail(before)
        self.log.log(ERROR if verdict.red else INFO, "%s", verdict.headline())
        for each in verdict.findings:
            self.log.log(ERROR if each.red else INFO, "%s: %s", each.cause.value, each.report_line(news.get(each, ())))
        is_told = self._send_mail(context, verdict, [each.report_line(named) for each, named in news.items()])
        if is_told:  # also without news: by this the alert of the deadline knows that a red run has told why
            names = verdict.names_after_mail(before) if is_seen else before
            context["ti"].xcom_push(key=NAMED, value={"at": utc_text(now), "names": names})
        if verdict.red:
            raise FleetUnwell(f"{verdict.headline()} The lines above say what to do.")
        return {"accounts": verdict.accounts, "well": verdict.well}

    @contextmanager
    def _alone(self, context: Context, part: str) -> Iterator[None]:
        """Let a part of the look fail alone: its error becomes a finding, and neither hides others nor stops the mail.

        :raises RetryLater: unless it is the last try
        """
        try:
            yield
        except GasError as error:
            if isinstance(error, RetryLater) and not Run.from_context(context).is_last_try:
                raise
            why = error.cause or str(error)
            self._failures.append((Cause.UNSEEN, why) if part == ACCOUNTS else (Cause.BROKEN, f"{part}: {why}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the mail must go
            # The frames alone: an error's own text may quote what it has met.
            self.log.error("The part %s has failed:\n%s", part, "".join(format_tb(error.__traceback__)))
            self._failures.append((Cause.BROKEN, describe_failure(part, error)))

    def _with_failures(self, verdict: Verdict) -> Verdict:
        for cause, why in self._failures:
            verdict = verdict.with_failure(cause, why)
        return verdict

    def _named_before(self, context: Context) -> NamedBefore:
        """Return the names that the run before reported. Airflow returns one value, or a list."""
        pulled = context["ti"].xcom_pull(task_ids=self.task_id, key=NAMED, include_prior_dates=True)
        values = filter(None, pulled if isinstance(pulled, list) else [pulled])
        return dict(max(values, key=lambda each: each["at"], default={"names": {}})["names"])

    def _verdict(self, context: Context, now: datetime) -> tuple[Verdict, bool]:
        """Return the verdict, and whether the accounts could be looked at."""
        from grdf.health import gauges, settings_check, unread_reasons
        from grdf.health.fleet_verdict import judge_fleet, read_client

        verdict, is_seen = Verdict(), False
        unread = partial(unread_reasons.find_unread_accounts, context["ti"], paris_today(now))
        with self._alone(context, ACCOUNTS):
            clients = [read_client(name) for name in settings.connections.or_default()]
            fleet, verdict = judge_fleet(self.couchdb, clients, unread, now)
            is_seen = True
        if is_seen:
            with self._alone(context, "prices"):
                verdict = self._with_prices(verdict)
            with self._alone(context, "late meters"):
                self._note_late_meters(find_late_meters(fleet, verdict, paris_today(now)))
            with self._alone(context, "gauges of accounts"):
                gauges.set_fleet(fleet, clients, now)
        with self._alone(context, "exports"):
            if failed := find_failed_exports(context["ti"]):
                verdict = verdict.with_failure(Cause.EXPORT, " and of ".join(failed))
        with self._alone(context, "settings"):
            for error in settings_check.find_wrong_settings():
                verdict = verdict.with_failure(Cause.SETTING, str(error))
        with self._alone(context, "secret of meters"):
            verdict = self._with_secret(verdict)
        return verdict, is_seen

    def _with_secret(self, verdict: Verdict) -> Verdict:
        from grdf.stores.free_days import FreeDays

        try:
            FreeDays(self.couchdb).read_secret()
        except BadSettings as error:
            return verdict.with_failure(Cause.SETTING, str(error))
        return verdict

    def _with_prices(self, verdict: Verdict) -> Verdict:
        from grdf.operators.take_prices import read_prices

        try:
            read_prices(self.couchdb)
        except (BadRequest, BadSettings) as error:
            return verdict.with_failure(Cause.PRICES, error.cause)
        return verdict

    def _note_late_meters(self, late: Mapping[str, Mapping[str, Lateness | None]]) -> None:
        """Write why meters are late on their accounts, for programs that show it to households."""

        def with_causes(meters: Mapping[str, Lateness | None], document: Document) -> Document:
            for pce, why in meters.items():
                fresh = replace(Status.freshness_of(document, pce), late=Late.because(why) if why else None)
                document = Status.with_freshness(document, pce, fresh)
            return document

        for account, meters in late.items():
            with suppress(BadAccount):  # it has left meanwhile
                self.accounts.update(account, partial(with_causes, meters))

    def _send_mail(self, context: Context, verdict: Verdict, lines: list[str]) -> bool:
        """Send the day's mail, if it has a line. Return ``False`` if that failed."""
        from grdf.health.alerting import send_alert

        title = f"{len(verdict.red)} cause(s) need a person" if verdict.red else f"{len(lines)} thing(s) are new"
        text = "\n".join(
            [verdict.headline(), "", *(f"* {line}" for line in lines), "", "The page Fleet shows all of them."]
        )
        try:
            if lines and not send_alert(context, f"{ABOUT}: {title}", text):
                self.log.info("No mail was sent: [grdf] alert_notifier is not set.")
        except BadSettings as error:
            self.log.error("%s", error)
            return False
        return True
