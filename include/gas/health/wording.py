"""The sentences of the check of health: what is wrong, and what a person does about it. They name nobody."""

from __future__ import annotations

from include.gas.health.limits import Cause

RUNBOOK = "docs/runbook.md"

SAYS = {
    Cause.UNSEEN: "the accounts could not be looked at",
    Cause.DATABASE: "{count} of {of} databases are missing in CouchDB, or have lost documents",
    Cause.LOST_DAYS: "{count} of {of} accounts have lost stored days",
    Cause.SILENT: "{count} of {of} accounts that should be read are silent",
    Cause.LATE: "{count} of {of} accounts have no new gas day",
    Cause.BRAKED: "GRDF's list had no consent for {count} of {of} accounts, and was not believed",
    Cause.UNCHECKED: "{count} of {of} client(s) have accounts that were not compared with GRDF's list of rights",
    Cause.QUOTA: "{count} of {of} client(s) have few calls to GRDF left today, or cannot count them",
    Cause.REFUSED: "GRDF refuses {count} of {of} accounts",
    Cause.CONNECT: "the households of {count} of {of} accounts must connect again",
    Cause.NONE_DAYS: "GRDF does not have {count} of the {of} gas days of the last 60 days",
    Cause.SETTING: "a setting is wrong",
}

DO = {
    Cause.UNSEEN: "See that CouchDB answers and the connection couchdb is right, then clear this task "
    f"({RUNBOOK}, unseen).",
    Cause.DATABASE: "See that the connection couchdb leads to the right server and prefix. Restore what was lost from "
    "a backup (docs/operations.md), or make a missing one anew with ./grdf couchdb setup: the next runs read the days "
    f"that GRDF still has ({RUNBOOK}, database).",
    Cause.LOST_DAYS: "CouchDB has lost days that were stored. The next run of each account asks GRDF for them; older "
    "ones are only in a backup (docs/operations.md). If there is none, remove lost_days from these accounts' documents "
    f"({RUNBOOK}, lost days).",
    Cause.SILENT: "See in Airflow whether these accounts' DAGs exist, are not paused, and what their last runs say: a "
    f"run whose tasks are all skipped has read nothing ({RUNBOOK}, silent).",
    Cause.LATE: "See the log of an account's last extract: GRDF may publish late, or our runs do not start "
    f"({RUNBOOK}, late).",
    Cause.BRAKED: "Compare with GRDF's portal. Tomorrow's list decides; if it says the same, these accounts must "
    f"connect again ({RUNBOOK}, braked).",
    Cause.UNCHECKED: f"See why grdf_consents has not succeeded, and start it again ({RUNBOOK}, unchecked).",
    Cause.QUOTA: "See what spends them (an import of the past, links of households), and [grdf] quota_url "
    f"({RUNBOOK}, quota).",
    Cause.REFUSED: "Look at these accounts on the page: each says what GRDF answered and what to do "
    f"({RUNBOOK}, refused).",
    Cause.CONNECT: "Write to these households: the page makes a new link for each. If many came at once, compare with "
    f"GRDF's portal first ({RUNBOOK}, connect).",
    Cause.NONE_DAYS: "Ask GRDF whether data of these days is missing on its side, then read them again with "
    f"grdf_history ({RUNBOOK}, none_days).",
    Cause.SETTING: f"Correct it for all parts of Airflow, then clear this task ({RUNBOOK}, setting).",
}
