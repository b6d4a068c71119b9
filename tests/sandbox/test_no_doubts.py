"""The sandbox's households look like real ones to the checks of stored days: none of their days is doubtful."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import read_daily
from include.gas.days.windows import Window
from include.gas.documents.day_checks import doubts_about
from include.gas.documents.gas_days import day_document
from include.sandbox.adict.meter_data.meters import REAL_PCE


@pytest.mark.parametrize("pce", [REAL_PCE, *(f"0999999{number:07}" for number in range(9_747_000, 9_747_020))])
def test_three_years(adict: Any, pce: str) -> None:
    adict.control.consent([pce])
    today = adict.control.today()
    first = today.replace(year=today.year - 3, day=1) + timedelta(days=31)
    window = Window(date(first.year, 1, 1) if first.month == 1 else first, today)
    body = adict.daily(pce, window.first.isoformat(), today.isoformat()).content
    readings = read_daily(body, account="a", pce=pce, window=window).rows
    assert len(readings) > 600
    days = [day_document("a", reading, pce, "2026-01-01T00:00:00Z") for reading in readings]
    odd = {key[-10:]: words for key, words in doubts_about(days, None).items() if words}
    assert odd == {}
