"""The daily DAG that checks the fleet of accounts and is red if a person is needed."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, get_parsing_context

from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.health.late_check_mail import mail_late_check
from grdf.operators.check_health import CheckHealthOperator

DOC = """
Looks at all accounts once a day, after the morning's pass. The log of `check` begins with the verdict, and has for each
cause how many accounts are concerned, which are new since the last look, and what to do: an account that falls silent
is named once. It is **red** if a share crosses its limit, few calls to GRDF are left, GRDF was not asked about a
client's rights, accounts or databases are gone from CouchDB, or CouchDB does not answer (`docs/runbook.md`).

It writes on an account's document why its days are late, if they are, for the programs that show it to the household,
and asks GRDF for a token alone, if an account is silent. If there is anything to tell, one mail for
all accounts is sent by the notifier of `[grdf] alert_notifier`.
If it has not ended in time, the scheduler finds that out and the triggerer sends one, because then the morning's pass
is probably stuck, too. After 23 hours without an end, as in a pool without slots, the scheduler makes the run red, so
that it is seen where no notifier is set, and the next day's run begins. A stopped scheduler does neither: watch it
from outside (`docs/runbook.md`, scheduler still).
"""

DEADLINE_MINUTES = 60

# Only the scheduler watches it; ``airflow dags test`` cannot end a run with one (3.3.2).
DEADLINE = (
    None
    if get_parsing_context().dag_id
    else DeadlineAlert(
        # Not its logical date, which a manual run may lack.
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=DEADLINE_MINUTES),
        callback=AsyncCallback(mail_late_check, {"minutes": DEADLINE_MINUTES}),
        name="the check of health ends in time",
    )
)

with DAG(
    "grdf_health",
    schedule=in_paris("0 14 * * *"),
    # Without a start date, no run makes up for the time before the installation.
    **fleet_dag_arguments("Gas: check all accounts (grdf_health)") | {"start_date": None},
    default_args=task_defaults(STORING),
    deadline=DEADLINE,
    # A run that no pool lets start would wait for ever and block the next days', with one alert at most. Shorter than a
    # day.
    dagrun_timeout=timedelta(hours=23),
    doc_md=DOC,
):
    CheckHealthOperator(task_id="check")
