"""A meter's gas days as GRDF reports them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date

from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.windows import Window
from include.sandbox.adict.meter_data.lines import Asked, informative
from include.sandbox.adict.meter_data.readings import CORRECTED, DEFINITIVE, MEASURED, PROVISIONAL, Day

REREAD = REREAD_DAYS
SETTLED = 35


def answer_body(pce: str, window: Window, loads: Mapping[date, int], corrected: Collection[date], newest: date) -> str:
    """Return an answer of ADICT with one line per gas day; days long before ``newest`` are definitive."""
    asked = Asked(window.first, window.end)
    lines = []
    for day in window.days():
        line = Day(
            day=day,
            index_start=10_000,
            index_end=10_000 + round(loads[day] / 11.2),
            energy=loads[day],
            coefficient=11.2,
            quality=CORRECTED if day in corrected else MEASURED,
            status=PROVISIONAL if (newest - day).days < SETTLED else DEFINITIVE,
        )
        lines.append(json.dumps(informative(pce, asked, line), ensure_ascii=False))
    return "\n".join(lines)
