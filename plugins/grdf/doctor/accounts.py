"""The doctor's look at the accounts: the same facts, causes and limits as those of ``grdf_health``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from grdf import dag_settings
from grdf.doctor.findings import MOST_NAMED, Finding
from grdf.health.airflow_sight import by_database
from grdf.health.airflow_tables import Rows
from grdf.health.look import look_at_fleet
from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Overview
from include.gas.health.sights import NOTHING_SEEN, Sight
from include.gas.health.verdict import Client

WHAT = "accounts"


def accounts(couchdb: CouchDBHook | None, rows: Rows | Finding) -> Iterator[Finding]:
    """Judge the fleet. What only GRDF or a household can mend is no fault of this installation.

    Missing databases and the quota are told by the checks of CouchDB and of GRDF.

    :param couchdb: the hook for the CouchDB with the accounts; ``None`` if it cannot be read
    :param rows: of Airflow's database, or why it cannot be read from here
    """
    if couchdb is None:
        yield Finding(WHAT, "unknown", "they were not looked at, because CouchDB cannot be read")
        return
    now = datetime.now(UTC)

    def sights(fleet: Sequence[Overview]) -> Mapping[str, Sight]:
        read = [account.id for account in fleet if account.is_read(paris_today(now))]
        return NOTHING_SEEN if isinstance(rows, Finding) else by_database(rows, read, now)

    clients = [Client(name) for name in dag_settings.connections()]
    _, _, verdict = look_at_fleet(couchdb, clients, sights, now)
    for each in verdict.findings:
        names = each.concerned(MOST_NAMED)
        says = f"{each.says()}{f': {names}' if names else ''}"
        yield Finding(WHAT, "bad" if each.red and each.cause.ours else "look", says, each.cause.do)
    if not verdict.findings:
        unseen = "; their DAGs were not looked at" if isinstance(rows, Finding) else ""
        yield Finding(WHAT, "ok", f"{verdict.headline().rstrip('.')}{unseen}")
