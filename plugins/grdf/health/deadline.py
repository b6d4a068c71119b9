"""What happens when the check of health has not ended in time: one alert, sent by Airflow's triggerer.

The check is due once the morning's pass should be over, and uses the same scheduler, workers and pool. If it does not
end, they are behind or stand still, and nothing else would tell: a run that never starts is never red. The triggerer
sends the alert because workers may be what is stuck.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

TITLE = "GRDF gas accounts: the check of health has not ended in time"
TEXT = (
    "The run of grdf_health that was due at {due} has not ended {minutes} minutes after it was queued. "
    "The scheduler or the workers are behind or stand still, so that the households' morning runs probably are, too, "
    "or CouchDB does not answer and the check is waiting to try again. "
    "See in Airflow which runs and tasks are queued, and that the scheduler and the workers run "
    "(docs/runbook.md, deadline)."
)


async def check_is_late(minutes: int, context: Any = None, **_: Any) -> None:
    """Send the alert. Airflow calls this in the triggerer.

    :param minutes: how long after the run was due that is
    :param context: what Airflow tells of the run
    """
    from grdf.health.alerting import Alerter
    from include.gas.errors import GasError

    text = TEXT.format(due=_due(context), minutes=minutes)
    log.error("%s", text)
    try:
        if await asyncio.to_thread(lambda: Alerter().send({}, TITLE, text)):
            log.info("One alert was sent.")
        else:
            log.warning("No alert was sent: [grdf] alert_notifier is not set.")
    except GasError as error:
        log.error("%s", error)


def _due(context: Any) -> str:
    run = context.get("dag_run") if isinstance(context, dict) else None
    due = run.get("run_after") or run.get("logical_date") if isinstance(run, dict) else None
    return str(due or "its time")
