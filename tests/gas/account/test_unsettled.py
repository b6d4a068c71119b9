"""Which accounts are looked at by a run of ``grdf_waiting_rights``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.unsettled import Unsettled
from include.gas.days.gas_day import utc_text

PCE = "09999990000001"
NOW = datetime(2026, 11, 30, 12, 20, tzinfo=UTC)
FIRST_OF_HOUR, MORNING = NOW.replace(minute=5), NOW.replace(hour=6, minute=5)
"""The first run of an hour, and that of 7 o'clock in Paris."""
MINUTES, HOURS, DAYS = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days"))


def account(word: str = "", ago: timedelta = MINUTES, *, entered: timedelta | None = None, **more: Any) -> Any:
    given = {"pce": PCE, "name": "Durand", "postcode": "69001", "email": "m@example.org"}
    held = {"pce": PCE, "word": word, "is_open": word == "active", "since": utc_text(NOW - ago)}
    return {
        "_id": "home", "account_type": "grdfgrandlyon",
        **({"status": {"meters": {PCE: held}}} if word else {}),
        **({"declaration": given | {"entered_at": utc_text(NOW - entered)}} if entered is not None else {}),
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        account(), account("active"), account("over"), account("refused"),
        account(declaration={"pce": PCE, "name": "Durand", "refused": True}),
        account("waiting", leaving={"run": "r", "by": "b", "since": "2026-01-01"}),
        account("behind"), account("behind", entered=MINUTES),
        account("waiting", oauth_callback_results=[]), account("waiting", account_type="edf"),
        account(status={"meters": None}), account(status=[None]), account(declaration=[None]),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_is_to_be_settled(document: Any) -> None:
    assert Unsettled.of(document) is None


@pytest.mark.parametrize(
    ("document", "due"),
    [
        (account("waiting"), "qhm"), (account("asked", 3 * HOURS), "hm"), (account("unseen", 8 * DAYS), "m"),
        (account("active", entered=MINUTES), "qhm"), (account("active", entered=HOURS), ""),
        (account("over", 90 * DAYS, entered=HOURS), "qhm"), (account("over", entered=20 * DAYS), "m"),
        (account(entered=MINUTES), "qhm"), (account("waiting", 8 * DAYS, entered=3 * HOURS), "hm"),
        (account("active", oauth={"code": "x"}, oauth_callback_results={"consents": [{"pce": PCE}]}), "qhm"),
    ],
    ids=str,
)  # fmt: skip
def test_when_it_is_looked_at(document: Any, due: str) -> None:
    found = Unsettled.of(document)
    assert found
    runs = {"q": NOW, "h": FIRST_OF_HOUR, "m": MORNING}
    assert "".join(name for name, run in runs.items() if found.is_due(run, NOW)) == due
