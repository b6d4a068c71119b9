"""The doctor's look at the accounts: the same facts, causes and limits as those of ``grdf_health``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from grdf import settings
from grdf.doctor.findings import MOST_NAMED, Finding
from grdf.health.airflow_sight import by_database
from grdf.health.airflow_tables import Rows
from grdf.health.look import look_at_fleet
from grdf.hooks.couchdb import CouchDBHook
from include.gas.health.verdict import Client, names

WHAT = "accounts"


def accounts(couchdb: CouchDBHook | None, rows: Rows | Finding) -> Iterator[Finding]:
    """Judge the fleet. What only GRDF or a household can mend is no fault of this installation.

    The quota is told by the checks of GRDF.

    :param couchdb: the hook for the CouchDB with the accounts; ``None`` if it cannot be read
    :param rows: of Airflow's database, or why it cannot be read from here
    """
    if couchdb is None:
        yield Finding(WHAT, "unknown", "they were not looked at, because CouchDB cannot be read")
        return

    def unread(silent: Sequence[str]) -> Mapping[str, str]:
        return {} if isinstance(rows, Finding) else by_database(rows, silent)

    clients = [Client(name) for name in settings.connections.or_default()]
    _, verdict = look_at_fleet(couchdb, clients, unread, datetime.now(UTC))
    for each in verdict.findings:
        says = each.says() if each.is_about_look else f"{each.says()}: {names(each.named, MOST_NAMED)}"
        yield Finding(WHAT, "bad" if each.red and each.cause.ours else "look", says, each.cause.do)
    if not verdict.findings:
        unseen = "; their DAGs were not looked at" if isinstance(rows, Finding) else ""
        yield Finding(WHAT, "ok", f"{verdict.headline().rstrip('.')}{unseen}")
