"""Documents of thousands of connected accounts, and all the stored data of some of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.account.status import Billing, Reading, Status, with_meters
from include.gas.answers.consumption.published import Period
from include.gas.answers.contract import Contract
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.billing.periods import period_document
from include.gas.documents.day_documents import day_id
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.totals import month_documents, year_documents
from include.gas.documents.year_counts import stored_years
from include.gas.rights.meter_rights import MeterAccess, Standing
from include.sandbox.adict.meter_data.real import file_days
from tests.meter_documents import meter_document

READ_AT = "2026-01-01T08:00:00.000000Z"
YEARS = 3


def account_id(number: int) -> str:
    return f"household-{number:05}"


def meter(number: int) -> str:
    return f"099{number:011}"


def meter_of(account: dict[str, Any]) -> dict[str, Any]:
    (access,) = Status.access_of(account).values()
    over = {"state": "ended", "ended_on": access.day} if access.word == "over" else {}
    return meter_document(access.pce, account["_id"], access.right, access.first_day, end=access.end_day, **over)


class Fleet:
    """Accounts of every kind. Each has the real household's figures, starting at a different day."""

    def __init__(self, today: date) -> None:
        self.today = today
        self._energies = [row.energy for row in file_days()]

    def days(self, number: int) -> list[dict[str, Any]]:
        """Return an account's gas days: three years with some missing days, where the last 35 days are provisional."""
        last = self.today - timedelta(days=2 if number % 50 else 20)
        first = last.replace(year=last.year - YEARS, day=min(last.day, 28))
        made = []
        for at in range((last - first).days + 1):
            day = first + timedelta(days=at)
            if at % 200 == number % 200:
                continue
            document = {
                "_id": day_id(account_id(number), meter(number), day),
                "account": account_id(number),
                "pce": meter(number),
                "load": self._energies[(at + number) % len(self._energies)],
                "year": day.year, "month": day.month, "day": day.day, "hour": 0, "minute": 0,
                "status": "provisional" if (self.today - day).days < 35 else "definitive",
                "quality": "measured",
                "read_at": READ_AT,
            }  # fmt: skip
            if (at + number) % 90 == 89:
                document["changes"] = [{"at": READ_AT, "before": 1, "after": document["load"], "status": "definitive"}]
            made.append(document)
        return made

    def stored(self, number: int) -> dict[str, list[dict[str, Any]]]:
        days, account, pce = self.days(number), account_id(number), meter(number)
        return {
            DAY: days,
            MONTH: list(month_documents(account, pce, days).values()),
            YEAR: list(year_documents(account, pce, days).values()),
            PUBLISHED: list(self._published(account, pce)),
        }

    def account(self, number: int) -> dict[str, Any]:
        account, pce = account_id(number), meter(number)
        right = f"00000000-0000-4000-8000-{number:012}"
        days = self.days(number)
        lost, end = number % 20 == 7, self.today + timedelta(days=10 + number % 1000)
        first = date.fromisoformat(days[0]["_id"][-10:])
        day = self.today - timedelta(days=1 if number % 40 == 7 else 30) if lost else end
        word: Standing = "over" if lost else "active"
        access = MeterAccess(pce=pce, word=word, day=day, right=right, own=(right,), days=(Window(first, day),))
        document: dict[str, Any] = {
            "_id": account,
            "account_type": "grdfgrandlyon",
            "name": "",
            "state": None,
            "oauth": {"token_type": "Bearer"},
            "oauth_callback_results": {"scope": "openid"},
        }
        contract, read_at = Contract("T2", "P012", 14000), datetime.fromisoformat(READ_AT)
        document = Status.with_billing(document, pce, Billing(read_at, (right,), "1M", contract))
        years = {str(year): each for year, each in stored_years(days).items()}
        reading = Reading(years, self.today - timedelta(days=number % 21), first, (right,))
        document = with_meters(Status.with_reading(document, pce, reading), [access])
        if lost:
            document |= {"state": "USER_ACTION_NEEDED.OAUTH_OUTDATED", "state_since": READ_AT}
            document["state_message"] = f"Account {account}: the consent was revoked. The household must consent again."
        if number % 40 == 3:
            document |= {"state": "VENDOR_DOWN", "state_message": "GRDF answered HTTP 503.", "state_since": READ_AT}
        return document

    def _published(self, account: str, pce: str) -> Iterator[dict[str, Any]]:
        first = date(self.today.year - 3, 1, 5)
        while first < self.today - timedelta(days=40):
            end = (first + timedelta(days=32)).replace(day=5)
            days = (end - first) // ONE_DAY
            yield period_document(account, pce, Period(first, end, 40 * days, 11.2, None, "RNO"), READ_AT)
            first = end
