"""Documents of accounts as their loads leave them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.freshness import Freshness
from include.gas.account.status import Reading, Status
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import Window
from include.gas.documents.year_counts import StoredYear
from include.gas.rights.meter_rights import MeterAccess

READ_AT = "2026-01-01T08:00:00.000000Z"


def today() -> date:
    return paris_today(datetime.now(UTC))


def meter(number: int) -> str:
    return f"0977{number:010}"


def account(number: int, *, age: int = 2, days: int = 1, **more: Any) -> dict[str, Any]:
    pce, last = meter(number), today() - timedelta(days=age)
    consent = {"pce": pce, "id_accreditation": f"00000000-0000-4000-8000-{number:012}"}
    document: dict[str, Any] = {
        "_id": f"watched-{number:05}",
        "account_type": "grdfgrandlyon",
        "state": None,
        "oauth": {},
        "oauth_callback_results": {"pce_id": pce, "consents": [consent]},
        "connected": {"at": READ_AT, "by": "admin"},
    }
    first = last - timedelta(days=days - 1)
    years = {str(last.year): StoredYear(first, last)}
    reading = Reading(years, today(), first, (consent["id_accreditation"],))
    document = Status.with_reading(document, pce, reading)
    document = Status.with_freshness(document, pce, Freshness(last, last + timedelta(days=4), "2" * 10))
    access = MeterAccess(
        pce=pce, word="active", right=consent["id_accreditation"], days=(Window(date.min, date.max),),
        since=utc_text(datetime.now(UTC)),
    )  # fmt: skip
    return Status.with_access(document, [access]) | more
