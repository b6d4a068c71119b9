"""A check of the accounts' DAGs and runs: whether every account that should be read has been, of late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from grdf.doctor.airflow_tables import RECENT, Rows, moment
from grdf.doctor.findings import Finding, some
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore, listing_problem
from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import dag_id
from include.gas.health.watched import watched

FIRST_RUN = timedelta(days=2)
"""How old an account may be without any run. An account has its first one as soon as its DAG is there."""


def account_runs(what: str, rows: Rows, couchdb: CouchDBHook, now: datetime) -> Iterator[Finding]:
    """Compare the accounts in CouchDB with Airflow's DAGs and runs.

    Accounts that wait for their household, or whose data begin later, need no run.

    :param what: what was looked at, for the findings
    :param rows: of Airflow's database
    :param couchdb: the hook for the CouchDB with the accounts
    :param now: an aware datetime, the present
    """
    today = paris_today(now)
    documents = [each for each in AccountStore(couchdb).listed() if listing_problem(each) is None]
    fleet = {account.id: account for account in (watched(each, today) for each in documents)}
    paused = {str(name): bool(is_paused) for name, is_paused in rows["dags"]}
    came = {str(name): moment(when) for name, when in rows["came"]}
    runs = _Runs(rows)
    without = [account for account in fleet if dag_id(account) not in paused]
    still = [account for account in fleet if paused.get(dag_id(account))]
    unread, failing = [], []
    for account, seen in fleet.items():
        dag = dag_id(account)
        if not seen.is_read or paused.get(dag, True):
            continue
        # The account may be older than this Airflow, or than its DAG there: adopted, restored, or given a new database.
        known = datetime.combine(seen.since, time(), UTC) if seen.since else None
        since = max((each for each in (known, came.get(dag)) if each), default=None)
        if runs.unread(dag, since, now):
            unread.append(account)
        elif dag in runs.failed and runs.last.get(dag) is None:
            failing.append(account)
    if without:
        yield Finding(
            what, "bad", f"{len(without)} of {len(fleet)} accounts have no DAG: {some(without)}",
            "See whether the DAG processor runs and reads our DAG files, and its log.",
        )  # fmt: skip
    if unread:
        yield Finding(
            what, "bad", f"{len(unread)} of {len(fleet)} accounts have had no successful run for {RECENT.days} days "
            f"({runs.told(unread)}): {some(unread)}",
            "See the log of a run that failed. If runs wait or never start, see whether scheduler and workers run, and "
            "whether the pools have free slots.",
        )  # fmt: skip
    if failing:
        yield Finding(
            what, "look" if any(runs.last.values()) else "bad",
            f"all runs of {len(failing)} new account(s) failed: {some(failing)}", "See the log of such a run.",
        )  # fmt: skip
    if still:
        yield Finding(what, "look", f"{len(still)} accounts' DAGs are paused: {some(still)}", "Unpause them in its UI.")
    if not (without or unread or failing or still):
        yield Finding(what, "ok", f"all {len(fleet)} accounts have a DAG, and none has been silent")


class _Runs:
    """The runs of the accounts' DAGs.

    :param rows: of Airflow's database
    """

    def __init__(self, rows: Rows) -> None:
        self.last = {str(name): moment(when) for name, when in rows["successes"]}
        self.failed = {str(name) for name, failed, _ in rows["recent"] if failed}
        self.waiting = {str(name) for name, _, waits in rows["recent"] if waits}

    def unread(self, dag: str, since: datetime | None, now: datetime) -> bool:
        """Return whether a DAG should have had a run that succeeded, and has not.

        :param since: when its account could first have been read; ``None`` if that is not known
        """
        last = self.last.get(dag)
        if last is not None and now - last <= RECENT:
            return False
        if since is None:  # a run shows that it is not of today
            return last is not None
        return now - since > (RECENT if dag in self.last else FIRST_RUN)

    def told(self, accounts: list[str]) -> str:
        """Return how many accounts' runs failed, wait, or never were, for a line."""
        never = {account for account in accounts if dag_id(account) not in self.last}
        waiting = {account for account in accounts if dag_id(account) in self.waiting} - never
        failed = {account for account in accounts if dag_id(account) in self.failed} - never - waiting
        other = len(accounts) - len(never) - len(waiting) - len(failed)
        counts = (
            (len(failed), "failed"),
            (len(waiting), "waiting"),
            (len(never), "never ran"),
            (other, "none of late"),
        )
        return ", ".join(f"{number} {name}" for number, name in counts if number)
