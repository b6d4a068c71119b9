"""One mail if the check of health has not ended in time.

Scheduler, workers or pool are then behind or stuck, and a run that never starts is never red. The scheduler finds the
missed deadline (Airflow 3.3.2, ``SchedulerJobRunner._run_scheduler_loop``), and the triggerer sends the mail. A stuck
scheduler or triggerer must be watched from outside (``docs/runbook.md``).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

TITLE = "GRDF gas accounts: the check of health has not ended in time"
TEXT = (
    "The run of grdf_health that was due at {due} has not ended {minutes} minutes after it was queued. The workers are "
    "behind or stand still, or the pool of [grdf] pool has no free slot, so that the households' morning runs probably "
    "wait, too; or CouchDB does not answer and the check is waiting to try again. See in Airflow which runs and tasks "
    "are queued, that the workers run, and the slots of the pools (docs/runbook.md, deadline)."
)


async def mail_late_check(minutes: int, context: Any = None, **_: Any) -> None:
    """Send the mail, unless the run has ended: a red one has sent its own.

    Airflow 3.3.2 calls this for red ones, too (``DagRun.update_state``).

    :raises BadSettings: if the mail cannot be sent
    """
    from grdf.health.alerting import send_alert

    run = (context or {}).get("dag_run") or {}
    due = run.get("run_after") or "its time"
    if run.get("state") in ("success", "failed") and run.get("end_date"):
        log.info("The run that was due at %s has ended (%s): no mail is sent.", due, run["state"])
        return
    text = TEXT.format(due=due, minutes=minutes)
    log.error("%s", text)
    await asyncio.to_thread(send_alert, {}, TITLE, text)
