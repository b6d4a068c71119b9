"""The daily check of the fleet. It fails if a person is needed, and names accounts that fall silent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from logging import ERROR, INFO
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.freshness import Late, Lateness
from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount, BadRequest, BadSettings, FailNow, GasError, RetryLater
from include.gas.health.causes import Cause
from include.gas.health.late_meters import find_late_meters
from include.gas.health.verdict import NamedBefore, Verdict

if TYPE_CHECKING:
    from airflow.sdk import Context

ABOUT = "GRDF gas accounts"
NAMED = "named"
"""Key of the XCom with the names reported, and when: the next run reports new ones."""


class FleetUnwell(FailNow):
    """The fleet is not well; the task's log has causes and next steps."""


class CheckHealthOperator(GrdfOperator):
    """Looks at all accounts once, reports new concerns, and fails if their share is too large.

    It sets the gauges of :mod:`grdf.metrics`, and sends one mail if there is anything to report. GRDF is asked for a
    token only if no run reads a silent account.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts, without names; ``FleetUnwell`` if a limit is crossed, ``RetryLater`` without CouchDB."""
        from grdf.health import gauges, settings_check

        now = datetime.now(UTC)
        verdict = self._verdict(context, now)
        for error in settings_check.find_wrong_settings():
            verdict = verdict.with_failure(Cause.SETTING, str(error))
        gauges.set_causes(verdict)
        before = self._named_before(context)
        news = verdict.lines_to_mail(before)
        self.log.log(ERROR if verdict.red else INFO, "%s", verdict.headline())
        for each in verdict.findings:
            self.log.log(ERROR if each.red else INFO, "%s: %s", each.cause.value, each.report_line(news.get(each, ())))
        is_told = self._send_mail(context, verdict, [each.report_line(named) for each, named in news.items()])
        if is_told and all(each.cause is not Cause.UNSEEN for each in verdict.findings):
            context["ti"].xcom_push(key=NAMED, value={"at": utc_text(now), "names": verdict.names_after_mail(before)})
        if verdict.red:
            raise FleetUnwell(f"{verdict.headline()} The lines above say what to do.")
        return {"accounts": verdict.accounts, "well": verdict.well}

    def _named_before(self, context: Context) -> NamedBefore:
        """Return the names that the run before reported. Airflow returns one value, or a list."""
        pulled = context["ti"].xcom_pull(task_ids=self.task_id, key=NAMED, include_prior_dates=True)
        values = filter(None, pulled if isinstance(pulled, list) else [pulled])
        return dict(max(values, key=lambda each: each["at"], default={"names": {}})["names"])

    def _verdict(self, context: Context, now: datetime) -> Verdict:
        from grdf.health import gauges, unread_reasons
        from grdf.health.fleet_verdict import judge_fleet, read_client

        unread = partial(unread_reasons.find_unread_accounts, context["ti"], paris_today(now))
        try:
            clients = [read_client(name) for name in settings.connections.or_default()]
            fleet, verdict = judge_fleet(self.couchdb, clients, unread, now)
            verdict = self._with_prices(verdict)
            self._note_late_meters(find_late_meters(fleet, verdict, paris_today(now)))
        except GasError as error:
            if isinstance(error, RetryLater) and not Run.from_context(context).is_last_try:
                raise
            return Verdict().with_failure(Cause.UNSEEN, error.cause)
        gauges.set_fleet(fleet, clients, now)
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
