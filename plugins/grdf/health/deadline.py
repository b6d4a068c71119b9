"""What happens when the check of health has not ended in time, or is red and has told nobody: one alert.

The check is due once the morning's pass should be over, and uses the same scheduler, workers and pool. If it does not
end, they are behind or stand still, and nothing else would tell: a run that never starts is never red. The scheduler
finds a deadline that has passed (Airflow 3.3.2, ``SchedulerJobRunner._run_scheduler_loop``), and the triggerer sends
the alert, because workers may be what is stuck. While the scheduler or the triggerer stands still, no alert comes: that
must be watched from outside (``docs/runbook.md``, scheduler still).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

ENDED = frozenset(("success", "failed"))
TITLE = "GRDF gas accounts: the check of health has not ended in time"
RED_TITLE = "GRDF gas accounts: the check of health is red and has told nobody"
RED = (
    "The run of grdf_health that was due at {due} is red, and has sent no alert of its own. It was ended from outside, "
    "it met an error that was not foreseen, its alert could not be sent, or it had not ended after 23 hours. "
    "See the log of its task check, and clear it (docs/runbook.md, deadline)."
)
TEXT = (
    "The run of grdf_health that was due at {due} has not ended {minutes} minutes after it was queued. "
    "The workers are behind or stand still, or the pool of [grdf] pool has no free slot or does not exist, so that the "
    "households' morning runs probably wait, too; or the scheduler stood still for a while (it runs now, since it has "
    "found this out); or CouchDB does not answer and the check is waiting to try again. "
    "See in Airflow which runs and tasks are queued, that the workers run, and the slots of the pools "
    "(docs/runbook.md, deadline)."
)


async def check_is_late(minutes: int, context: Any = None, **_: Any) -> None:
    """Send the alert, unless the run has ended and told what it found.

    Airflow's scheduler finds that the deadline has passed, and its triggerer calls this.

    Airflow 3.3.2 forgets a run's deadline only if the run succeeds (``DagRun.update_state``). A red run has sent its
    own alert, and must not send a false one an hour later. One that has sent none is told here.

    The scheduler ends a run after the DAG's ``dagrun_timeout`` without asking here: of each run's deadline it asks once
    (``Deadline.missed``), which has passed by then, or passes soon after if it is set to a longer time.

    :param minutes: how long after the run was due that is
    :param context: what Airflow tells of the run
    """
    from grdf.health.alerting import Alerter
    from grdf.health.told_runs import was_told
    from include.gas.errors import GasError

    run = _run(context)
    title, text = TITLE, TEXT.format(due=_due(run), minutes=minutes)
    if run.get("state") in ENDED and run.get("end_date"):
        if run["state"] == "success" or await asyncio.to_thread(was_told, str(run.get("dag_run_id") or "")):
            log.info("The run that was due at %s has ended (%s): no alert is sent.", _due(run), run["state"])
            return
        title, text = RED_TITLE, RED.format(due=_due(run))
    log.error("%s", text)
    try:
        if await asyncio.to_thread(lambda: Alerter().send({}, title, text)):
            log.info("One alert was sent.")
        else:
            log.warning("No alert was sent: [grdf] alert_notifier is not set.")
    except GasError as error:
        log.error("%s", error)


def _run(context: Any) -> Mapping[str, Any]:
    """Return what Airflow tells of the run, as its REST API does."""
    run = context.get("dag_run") if isinstance(context, Mapping) else None
    return run if isinstance(run, Mapping) else {}


def _due(run: Mapping[str, Any]) -> str:
    return str(run.get("run_after") or run.get("logical_date") or "its time")
