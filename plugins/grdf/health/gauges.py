"""The gauges of the daily check: the fleet in numbers, by client, for whoever draws and watches them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from grdf.metrics import known_metrics as known
from grdf.metrics.telling import gauge
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Situation
from include.gas.health.limits import Cause
from include.gas.health.verdict import Client, Verdict
from include.gas.health.watched import Watched

INFINITE = "Inf"
"""As Prometheus reads it, too: Airflow tells StatsD nothing with a ``+`` in it."""


def tell(fleet: Iterable[Watched], clients: Sequence[Client], verdict: Verdict, now: datetime) -> None:
    """Set all gauges. Those of a state or client that has no account any more become 0."""
    by_client: dict[str, list[Watched]] = {client.name: [] for client in clients}
    for account in fleet:
        by_client.setdefault(account.overview.client or "unknown", []).append(account)
    for name, accounts in by_client.items():
        _tell_accounts(name, accounts, paris_today(now))
    for client in clients:
        if client.left is not None:
            gauge(known.QUOTA_LEFT, client.left, connection=client.name)
            gauge(known.QUOTA, client.calls, connection=client.name)
    tell_verdict(verdict)
    gauge(known.CHECKED, now.timestamp())


def tell_verdict(verdict: Verdict) -> None:
    """Set the gauges of each cause, also where the fleet could not be looked at."""
    found = {each.cause: each for each in verdict.findings}
    for cause in Cause:
        finding = found.get(cause)
        gauge(known.SHARE, finding.share if finding else 0.0, cause=cause.value)
        gauge(known.RED, int(finding is not None and finding.red), cause=cause.value)


def _tell_accounts(name: str, accounts: Sequence[Watched], today: date) -> None:
    states = Counter(account.situation for account in accounts)
    for state in Situation:
        gauge(known.ACCOUNTS, states[state], connection=name, state=state.value)
    ages = [(today - account.overview.last).days for account in accounts if account.is_read and account.overview.last]
    for bound in known.AGES:
        gauge(known.NEWEST_DAY, sum(age <= bound for age in ages), connection=name, le=str(bound))
    gauge(known.NEWEST_DAY, len(ages), connection=name, le=INFINITE)
    for kind, days in (
        ("stored", sum(account.overview.days for account in accounts)),
        ("provisional", sum(account.overview.provisional for account in accounts)),
        ("corrected", sum(account.overview.corrected for account in accounts)),
        ("awaited", sum(account.overview.awaited for account in accounts)),
        ("none", sum(account.overview.none for account in accounts)),
    ):
        gauge(known.DAYS, days, connection=name, kind=kind)
    gauge(known.END_SOON, sum(account.ends_soon for account in accounts), connection=name)
    gauge(known.PROOFS, sum(account.proofs for account in accounts), connection=name)
    gauge(known.DELETIONS, states[Situation.LEAVING], connection=name)
