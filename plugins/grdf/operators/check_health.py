"""The daily check whether the fleet of accounts is well. It fails, with names and reasons, if a person is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from logging import ERROR, INFO
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.dag_settings import or_default
from grdf.operators.base import GrdfOperator
from grdf.options import quoted_id
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Situation
from include.gas.documents.doctypes import ACCOUNT, DOCTYPES
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings, FailNow, GasError, RetryLater
from include.gas.health.databases import incomplete
from include.gas.health.limits import LATE_DAYS, Cause
from include.gas.health.sights import Sight
from include.gas.health.verdict import Client, Verdict, failed, judge
from include.gas.health.watched import Watched, watched
from include.gas.redact import redact

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.health.alerting import Alerter

ABOUT = "GRDF gas accounts"
DAG = "grdf_health"
NAMED = 20
"""How many accounts the log names for each cause. Alerts name none."""
OF_TIME = frozenset((Cause.SILENT, Cause.LATE, Cause.UNCHECKED))
"""Causes that an installation of today has because nothing has run yet."""
FIRST = (
    "This is the first run of grdf_health here, which Airflow starts at once for the time before. The accounts' runs "
    "and the check of consents have not been due yet, so it calls nobody. The next run does."
)


class FleetUnwell(FailNow):
    """The fleet is not well: the task's log names the accounts, the reasons, and what to do."""


class CheckHealthOperator(GrdfOperator):
    """Looks at all accounts once, and fails if too many are late, silent, refused, or wait for a person.

    The gauges of :mod:`grdf.metrics` are set, and if it fails, one alert for the whole fleet is sent by the notifier of
    the settings. Nothing is changed, and GRDF is not called.
    """

    _unseen = ""

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: counts, without names
        :raises FleetUnwell: if a limit is crossed
        :raises RetryLater: if CouchDB does not answer, and another try is left
        """
        from grdf.health import every_setting, gauges

        wrong = [error for _, error in every_setting.wrong()]
        alerter = self.alerter(wrong)
        try:
            verdict = self._look(context, wrong)
        except RetryLater as error:
            if not Run.of(context).is_last_try:
                raise
            verdict = failed(Cause.UNSEEN, error.cause or str(error))
            gauges.tell_verdict(verdict)
        except GasError as error:
            verdict = failed(
                Cause.SETTING if isinstance(error, BadSettings) else Cause.UNSEEN, error.cause or str(error)
            )
            gauges.tell_verdict(verdict)
        for problem in dict.fromkeys(map(str, wrong)):
            verdict = verdict.with_wrong_setting(problem)
        self._say(verdict)
        if verdict.red and all(each.cause in OF_TIME for each in verdict.red) and self._is_first(context):
            self.log.warning("%s", FIRST)
        elif verdict.red:
            self._alert(context, alerter, verdict)
            raise FleetUnwell(f"{verdict.headline()} The lines above say who is concerned and what to do.")
        return {"accounts": verdict.accounts, "well": verdict.well}

    def alerter(self, wrong: list[BadSettings]) -> Alerter | None:
        """Return what sends the alert. Nothing that is wrong with it keeps the fleet from being looked at.

        :param wrong: settings that are wrong, to which this adds
        """
        from grdf.health import alerting

        try:
            return alerting.Alerter()
        except BadSettings as error:
            wrong.append(error)
        except Exception as error:  # noqa: BLE001 - a notifier is anybody's code
            said = redact(f"{type(error).__name__}: {error}")[:200]
            cause = f"the notifier of [grdf] alert_notifier cannot be made ({said})"
            wrong.append(BadSettings.about(None, cause, "Correct it, and [grdf] alert_notifier_kwargs."))
        return None

    def _look(self, context: Context, wrong: list[BadSettings]) -> Verdict:
        """Look at the fleet, and set the gauges.

        :param wrong: what is wrong with the settings, to which this adds
        """
        from grdf.airflow.account_list import no_database
        from grdf.health import gauges

        now = datetime.now(UTC)
        today = paris_today(now)
        fleet = [watched(document, today) for document in self.accounts.every_of_ours()]
        if not fleet and not self.couchdb.has_database(ACCOUNT):
            raise no_database(self.couchdb)
        databases = self._incomplete(fleet, wrong)
        clients = [self._client(hook.grdf_conn_id) for hook in self.clients()]
        sights = self._sights(context, fleet, now, wrong)
        verdict = judge(fleet, clients, now, sights).with_databases(databases, len(DOCTYPES))
        gauges.tell(fleet, clients, verdict, now)
        return verdict

    def _incomplete(self, fleet: Sequence[Watched], wrong: list[BadSettings]) -> list[tuple[str, str]]:
        """Return the names of the databases that are missing or have lost documents, each with what is wrong with it.

        :param wrong: what is wrong with the settings, to which this adds
        """
        held: dict[str, int | None] = {}
        for doctype in DOCTYPES:
            try:
                held[doctype] = self.couchdb.documents_in(doctype)
            except BadSettings as error:  # its rights are wrong, which hides nothing else
                wrong.append(error)
        # Those of a household that is leaving may be removed just now.
        stored = [account.overview.days for account in fleet if account.situation != Situation.LEAVING]
        prefix = self.couchdb.prefix
        return [(database_name(doctype, prefix), what) for doctype, what in incomplete(held, stored)]

    def _client(self, name: str) -> Client:
        from grdf.quota.shared_quota import governor_for

        listed_at = self.accounts.listed_at(name)
        try:
            facts = self.adict.named(name).oauth.facts
            return Client(name, governor_for(facts).left(), facts.calls_per_day, listed_at)
        except GasError as error:
            return Client(name, listed_at=listed_at, problem=error.cause or str(error))

    def _sights(
        self, context: Context, fleet: Sequence[Watched], now: datetime, wrong: list[BadSettings]
    ) -> Mapping[str, Sight]:
        """Return what Airflow shows of the accounts, and say what could not be seen."""
        from grdf.health import airflow_sight

        expected = [account.id for account in fleet if account.is_read]
        conn_id = or_default(settings.airflow_conn_id, None)
        if conn_id and expected:
            try:
                return airflow_sight.by_api(conn_id, expected, now)
            except GasError as error:
                wrong.append(
                    BadSettings.about(
                        None,
                        f"Airflow's API did not show the accounts' DAGs ({error.cause or error})",
                        f"Give the connection {quoted_id(conn_id)} of [grdf] airflow_conn_id a user who may "
                        "read DAGs and task instances, and its address.",
                    )
                )
        suspects = [
            account.id
            for account in fleet
            if account.is_read and (account.never_read or (account.age is not None and account.age > LATE_DAYS))
        ]
        sights = airflow_sight.by_task(context["ti"], suspects)
        if expected:
            self._unseen = airflow_sight.NOT_SEEN.format(looked=len(sights), of=len(expected))
        return sights

    def _say(self, verdict: Verdict) -> None:
        """Log the verdict first, then each cause."""
        self.log.log(ERROR if verdict.red else INFO, "%s", verdict.headline())
        for finding in verdict.findings:
            self.log.log(ERROR if finding.red else INFO, "%s: %s", finding.cause.value, finding.line(NAMED))
        if self._unseen:
            self.log.info("%s", self._unseen)

    def _is_first(self, context: Context) -> bool:
        """Return whether this is the run that Airflow starts as soon as it has read the DAG file for the first time."""
        if not Run.of(context).is_scheduled:
            return False
        try:
            return int(context["ti"].get_dr_count(DAG, states=["success", "failed"])) == 0
        except Exception as error:  # noqa: BLE001 - the check goes on whatever Airflow does not tell
            self.log.info("Airflow does not tell whether this is the first run (%s).", type(error).__name__)
            return False

    def _alert(self, context: Context, alerter: Alerter | None, verdict: Verdict) -> None:
        if alerter is None:
            return
        try:
            if alerter.send(context, f"{ABOUT}: {len(verdict.red)} cause(s) need a person", verdict.message()):
                self.log.info("One alert was sent by %s.", alerter.path)
            else:
                self.log.info("No alert was sent: [grdf] alert_notifier is not set.")
        except BadSettings as error:
            self.log.error("%s", error)
