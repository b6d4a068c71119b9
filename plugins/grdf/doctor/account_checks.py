"""The doctor's look at the accounts: facts, causes and limits of ``grdf_health``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from grdf import settings
from grdf.doctor.airflow_checks import Airflow
from grdf.doctor.findings import Finding
from grdf.health.fleet_verdict import judge_fleet
from grdf.hooks.couchdb import CouchDBHook
from include.gas.health.verdict import Client, list_names

MOST_NAMED = 5


def check_accounts(couchdb: CouchDBHook, airflow: Airflow | Finding) -> Iterator[Finding]:
    """Judge the fleet, without the quota. What GRDF or a household must mend is no fault here."""
    unseen = isinstance(airflow, Finding)
    clients = [Client(name) for name in settings.connections.or_default()]
    unread = (lambda _: {}) if isinstance(airflow, Finding) else airflow.why_unread
    _, verdict = judge_fleet(couchdb, clients, unread, datetime.now(UTC))
    for each in verdict.findings:
        says = f"{each.describe()}: {list_names(each.named, MOST_NAMED)}"
        yield Finding("bad" if each.red and each.cause.ours else "look", says, each.cause.do)
    if not verdict.findings:
        yield Finding("ok", f"{verdict.headline().rstrip('.')}{'; their DAGs were not looked at' if unseen else ''}")
