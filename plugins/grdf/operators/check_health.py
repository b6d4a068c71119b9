"""The daily check whether the fleet of accounts is well. It fails, with names and reasons, if a person is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from logging import ERROR, INFO
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.dag_settings import or_default
from grdf.operators.base import GrdfOperator
from grdf.options import quoted_id
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Overview
from include.gas.errors import BadSettings, FailNow, GasError, RetryLater
from include.gas.health.causes import Cause
from include.gas.health.sights import Sight
from include.gas.health.verdict import Verdict

if TYPE_CHECKING:
    from airflow.sdk import Context

ABOUT = "GRDF gas accounts"
NAMED = 20
"""How many accounts the log names for each cause. Alerts name none."""


class FleetUnwell(FailNow):
    """The fleet is not well: the task's log names the accounts, the reasons, and what to do."""


class CheckHealthOperator(GrdfOperator):
    """Looks at all accounts once, and fails if too many are late, silent, refused, or wait for a person.

    The gauges of :mod:`grdf.metrics` are set. If it fails, or rights in force are new that no account has, one mail for
    the whole fleet is sent by the notifier of the settings. GRDF is not called.
    """

    _unseen = ""
    _unclaimed: tuple[str, ...] = ()

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: counts, without names
        :raises FleetUnwell: if a limit is crossed
        :raises RetryLater: if CouchDB does not answer, and another try is left
        """
        from grdf.health import every_setting, gauges

        wrong = [str(error) for _, error in every_setting.wrong()]
        verdict = self._look(context, wrong)
        for problem in dict.fromkeys(wrong):
            verdict = verdict.failed(Cause.SETTING, problem)
        gauges.tell_verdict(verdict)
        self._say(verdict)
        self._tell(context, verdict)
        if verdict.red:
            raise FleetUnwell(f"{verdict.headline()} The lines above say who is concerned and what to do.")
        return {"accounts": verdict.accounts, "well": verdict.well}

    def _look(self, context: Context, wrong: list[str]) -> Verdict:
        """Look at the fleet, and set its gauges.

        :param wrong: what is wrong with the settings, to which this adds
        """
        from grdf.health import gauges
        from grdf.health.look import client_now, look_at_fleet

        now = datetime.now(UTC)
        try:
            names = [client.grdf_conn_id for client in self.clients()]
            clients = [client_now(name) for name in names]
            fleet, rights, verdict = look_at_fleet(
                self.couchdb, clients, partial(self._sights, context, now, wrong), now
            )
        except GasError as error:
            if isinstance(error, RetryLater) and not Run.of(context).is_last_try:
                raise
            cause = Cause.SETTING if isinstance(error, BadSettings) else Cause.UNSEEN
            return Verdict().failed(cause, error.cause or str(error))
        gauges.tell(fleet, rights, clients, now)
        self._unclaimed = tuple(right.id for right in rights.unclaimed)
        return verdict

    def _sights(
        self, context: Context, now: datetime, wrong: list[str], fleet: Sequence[Overview]
    ) -> Mapping[str, Sight]:
        """Return what Airflow shows of the accounts, and say what could not be seen."""
        from grdf.health import airflow_sight

        today = paris_today(now)
        read = [account for account in fleet if account.is_read(today)]
        conn_id = or_default(settings.airflow_conn_id, None)
        if conn_id and read:
            try:
                return airflow_sight.by_api(conn_id, [account.id for account in read], now)
            except GasError as error:
                wrong.append(
                    f"Airflow's API did not show the accounts' DAGs ({error.cause or error}). Give the connection "
                    f"{quoted_id(conn_id)} of [grdf] airflow_conn_id a user who may read DAGs and task instances, and "
                    "its address."
                )
        suspects = [account.id for account in read if account.never_read or account.is_late(today)]
        sights = airflow_sight.by_task(context["ti"], suspects)
        if read and not conn_id:
            self._unseen = airflow_sight.NOT_SEEN.format(looked=len(sights), of=len(read))
        return sights

    def _say(self, verdict: Verdict) -> None:
        """Log the verdict first, then each cause."""
        self.log.log(ERROR if verdict.red else INFO, "%s", verdict.headline())
        for finding in verdict.findings:
            self.log.log(ERROR if finding.red else INFO, "%s: %s", finding.cause.value, finding.line(NAMED))
        if self._unseen:
            self.log.info("%s", self._unseen)

    def _tell(self, context: Context, verdict: Verdict) -> None:
        """Send the day's mail, if a cause calls a person, or a right without an account was never told."""
        from grdf.health.alerting import Alerter
        from grdf.health.rights_told import note_told, untold

        new = untold(self.couchdb, self._unclaimed) if self._unclaimed else set()
        news = [each for each in verdict.findings if new and each.cause is Cause.UNCLAIMED]
        if not (verdict.red or news):
            return
        title = f"{len(verdict.red)} cause(s) need a person" if verdict.red else news[0].says()
        try:
            alerter = Alerter()
            if not alerter.send(context, f"{ABOUT}: {title}", verdict.message(news)):
                self.log.info("No alert was sent: [grdf] alert_notifier is not set.")
                return
            self.log.info("One alert was sent by %s.", alerter.path)
        except BadSettings as error:
            self.log.error("%s", error)
            return
        if new:
            note_told(self.couchdb, self._unclaimed)
