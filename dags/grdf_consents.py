"""Checks every morning what GRDF's list of rights says about each account's consents."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, Param

from grdf import settings
from grdf.announcing import CONSENTS, changes_of
from grdf.operators.check_consents import CheckConsentsOperator
from grdf.time_limits import STORING

DOC = """
Asks GRDF once for all our access rights and updates the accounts: consents that were revoked on GRDF's site, are in
force again, or are about to end. An account whose household must act says so in its document (`state`,
`state_message`), and its scheduled runs are skipped until the household has acted.

An account keeps to the consents that it brought itself. Another consent on its meter is mentioned in the log and
changes nothing: it may belong to whoever lives there now. If you **know** that it is this household's, and the
household cannot connect again, start this DAG with the account's id under *Accounts*. **Dry run** is on: the log says
which consent would become the account's own. Then start it again with dry run off; your name is kept with it.
"""
PARAMS = {
    "accounts": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Accounts",
        description="Empty for the usual morning check. Otherwise: ids of accounts whose household gave the newest "
        "consent on their meter, although the account has not brought it.",
    ),
    "dry_run": Param(True, type="boolean", title="Dry run", description="With accounts: only log what would change."),
}

with DAG(
    "grdf_consents",
    # Before the first accounts run, so that none asks for data that it may no longer read.
    schedule=CronTriggerTimetable("30 7 * * *", timezone="Europe/Paris"),
    start_date=pendulum.datetime(2020, 1, 1, tz="Europe/Paris"),
    catchup=False,
    allowed_run_types=["scheduled", "manual"],  # what a backfill names nobody checks: see grdf.page.askers
    max_active_runs=1,
    is_paused_upon_creation=False,
    params=PARAMS,
    default_args={
        "owner": "grdf",
        "retries": settings.retries(),
        "retry_delay": timedelta(seconds=settings.retry_seconds()),
        "execution_timeout": STORING,  # one call, and then the documents of all accounts
    },
    tags=["grdf", "consents"],
    doc_md=DOC,
):
    CheckConsentsOperator(task_id="check_consents", pool=settings.pool(), outlets=[changes_of(CONSENTS)])
