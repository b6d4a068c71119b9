"""What happens when the check of health has not ended in time: one mail.

The check is due once the morning's pass should be over, and uses the same scheduler, workers and pool. If it does not
end, they are behind or stand still, and nothing else would tell: a run that never starts is never red. The scheduler
finds a deadline that has passed (Airflow 3.3.2, ``SchedulerJobRunner._run_scheduler_loop``), and the triggerer sends
the mail, because workers may be what is stuck. While the scheduler or the triggerer stands still, no mail comes: that
must be watched from outside (``docs/runbook.md``, scheduler still).
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

    Airflow 3.3.2 asks of red ones, too: it forgets a deadline only if the run succeeds (``DagRun.update_state``).

    :param minutes: how long after the run was due that is
    :param context: what Airflow tells of the run
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
