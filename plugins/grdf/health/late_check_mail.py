"""One mail if the check of health has not ended in time, or is red and has sent none.

Scheduler, workers or pool are then behind or stuck, and a run that never starts is never red. The scheduler finds the
missed deadline (Airflow 3.3.2, ``SchedulerJobRunner._run_scheduler_loop``), and the triggerer sends the mail. A red
run's deadline is missed, too (``DagRun.update_state`` removes those of green ones alone), so that this also sees a task
that was killed or could not be imported: it needs nothing of the task's process. A stuck
scheduler or triggerer must be watched from outside (``docs/runbook.md``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

NAMED = "named"
"""Key of the check's XCom with the names reported, and when: the next run reports new ones. A run with it has told."""
TITLE = "GRDF gas accounts: the check of health has not ended in time"
TEXT = (
    "The run of grdf_health that was due at {due} has not ended {minutes} minutes after it was queued. The workers are "
    "behind or stand still, or the pool of [grdf] pool has no free slot, so that the households' morning runs probably "
    "wait, too; or CouchDB does not answer and the check is waiting to try again. See in Airflow which runs and tasks "
    "are queued, that the workers run, and the slots of the pools (docs/runbook.md, deadline)."
)
RED_TITLE = "GRDF gas accounts: the check of health is red, and has sent no mail"
RED_TEXT = (
    "The run of grdf_health that was due at {due} is red and has not said why: its task was killed, could not be "
    "loaded, met an error of this project's, or its mail could not be sent. What it watches is unknown until it ends "
    "well. See the log of its task check, mend that, and clear it (docs/runbook.md, deadline)."
)


async def mail_late_check(minutes: int, context: Any = None, **_: Any) -> None:
    """Send the mail, unless the run has ended well, or is red and has sent its own.

    :raises BadSettings: if the mail cannot be sent
    """
    from grdf.health.alerting import send_alert

    run = (context or {}).get("dag_run") or {}
    due = run.get("run_after") or "its time"
    title, text = TITLE, TEXT.format(due=due, minutes=minutes)
    if run.get("state") in ("success", "failed") and run.get("end_date"):
        if run["state"] == "success" or await asyncio.to_thread(_has_told, run):
            log.info("The run that was due at %s has ended (%s): no mail is sent.", due, run["state"])
            return
        title, text = RED_TITLE, RED_TEXT.format(due=due)
    log.error("%s", text)
    await asyncio.to_thread(send_alert, {}, title, text)


def _has_told(run: Mapping[str, Any]) -> bool:
    from airflow.sdk import BaseXCom

    try:
        told = BaseXCom.get_one(key=NAMED, dag_id=run["dag_id"], task_id="check", run_id=run["dag_run_id"])
    except Exception as error:  # noqa: BLE001 - whatever hides it: rather one mail too many than none
        log.warning("It is not known whether the red run has sent a mail (%s).", type(error).__name__)
        return False
    return told is not None
