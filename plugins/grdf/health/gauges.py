"""The gauges of the daily check: the fleet in numbers, by client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from grdf import metrics as known
from grdf.metrics import gauge
from include.gas.days.gas_day import paris_today
from include.gas.display.account_summary import AccountSummary, Situation
from include.gas.display.fleet_summary import find_delays
from include.gas.health.causes import Cause
from include.gas.health.verdict import Client, Verdict

INFINITE = "Inf"
"""As Prometheus reads it, too: Airflow sends StatsD nothing with a ``+``."""


def set_fleet(fleet: Iterable[AccountSummary], clients: Sequence[Client], now: datetime) -> None:
    """Set the gauges of accounts and clients, also to 0."""
    by_client: dict[str, list[AccountSummary]] = {client.name: [] for client in clients}
    for account in fleet:
        by_client.setdefault(account.client or "unknown", []).append(account)
    for name, accounts in by_client.items():
        _set_accounts(name, accounts, paris_today(now))
    for client in clients:
        if client.left is not None:
            gauge(known.QUOTA_LEFT, client.left, connection=client.name)
            gauge(known.QUOTA, client.calls, connection=client.name)
    gauge(known.CHECKED, now.timestamp())


def set_causes(verdict: Verdict) -> None:
    """Set the gauges of each cause, also after a failed look."""
    found = {each.cause: each for each in verdict.findings}
    for cause in Cause:
        finding = found.get(cause)
        gauge(known.SHARE, finding.share if finding else 0.0, cause=cause.value)
        gauge(known.RED, int(finding is not None and finding.red), cause=cause.value)


def _set_accounts(name: str, accounts: Sequence[AccountSummary], today: date) -> None:
    states = Counter(account.situation(today) for account in accounts)
    for state in Situation:
        gauge(known.ACCOUNTS, states[state], connection=name, state=state.value)
    ages = [(today - account.last).days for account in accounts if account.last and account.is_read(today)]
    for bound in known.AGES:
        gauge(known.NEWEST_DAY, sum(age <= bound for age in ages), connection=name, le=str(bound))
    gauge(known.NEWEST_DAY, len(ages), connection=name, le=INFINITE)
    delays = find_delays(accounts, today)
    many = max((each.meters for each in delays), default=0) / 2
    for newest in [each for each in delays if each.meters >= many][-1:]:
        gauge(known.DELAY, newest.median, connection=name, kind="median")
        gauge(known.DELAY, newest.most, connection=name, kind="most")
    days = Counter[str]()
    for account in accounts:
        missing = account.missing(today)
        days.update(awaited=missing.lately, none=missing.before)
        for year in account.years:
            days.update(stored=year.days, provisional=year.provisional, corrected=year.corrected)
    for kind in ("stored", "provisional", "corrected", "awaited", "none"):
        gauge(known.DAYS, days[kind], connection=name, kind=kind)
