"""Why each meter's days are late, by the verdict on the fleet: what the account documents say to their readers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from include.gas.account.freshness import Late, Lateness
from include.gas.days.lateness import silent_after
from include.gas.display.account_summary import AccountSummary
from include.gas.display.meter_days import MeterDays
from include.gas.health.causes import Cause
from include.gas.health.verdict import NO_ANSWER, Verdict

_BY_CAUSE = {
    Cause.LATE: Lateness.GRDF,
    Cause.TOKEN: Lateness.US,
    Cause.UNREAD: Lateness.US,
    Cause.ALONE: Lateness.METER,
}


def find_late_meters(
    fleet: Iterable[AccountSummary], verdict: Verdict, today: date
) -> dict[str, dict[str, Lateness | None]]:
    """Return what is to be noted by account and meter: why it is late, ``None`` if it is not any more."""
    causes = {
        each.name: Lateness.GRDF if each.why.endswith(NO_ANSWER) else _BY_CAUSE[finding.cause]
        for finding in verdict.findings
        if finding.cause in _BY_CAUSE
        for each in finding.named
    }
    found: dict[str, dict[str, Lateness | None]] = {}
    for account in fleet:
        for meter in account.days_of_meters:
            why = _why_late(account, meter, causes.get(account.id, Lateness.METER), today)
            if (why and Late.because(why)) != meter.freshness.late:
                found.setdefault(account.id, {})[meter.access.pce] = why
    return found


def _why_late(account: AccountSummary, meter: MeterDays, cause: Lateness, today: date) -> Lateness | None:
    limit = silent_after(meter.billing.frequency)
    if account.leaving or limit is None or meter.last is None:
        return None
    if meter.is_expected(today):
        return cause if meter.silent_on(today) else None
    is_former = any(each.is_expected(today) for each in account.days_of_meters)  # its household reads another now
    return Lateness.RIGHT if (today - meter.last).days > limit and not is_former else None
