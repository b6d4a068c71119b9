"""A range of the past entered in a DAG's form, and which of its days GRDF can be asked for."""

from __future__ import annotations

from datetime import date

from include.gas.days.gas_day import parse_day
from include.gas.days.windows import HISTORY_YEARS, Window, oldest_allowed
from include.gas.errors import BadRequest

_AGAIN = "Nothing was read. Start it again with `from` (first gas day) before `to` (not included), both YYYY-MM-DD."


def parse_range(first: object, end: object) -> Window:
    """Return the range ``YYYY-MM-DD`` to ``YYYY-MM-DD``, the end excluded; ``BadRequest`` if it is none."""
    days: list[date] = []
    for name, text in (("from", first), ("to", end)):
        try:
            days.append(parse_day(str(text)))
        except ValueError:
            raise BadRequest.about(None, f"`{name}` is {str(text)!r:.40}, which is not a date", _AGAIN) from None
    if days[0] >= days[1]:
        raise BadRequest.about(None, f"the range from {days[0]} to {days[1]} holds no day", _AGAIN)
    return Window(*days)


def askable_part(
    asked: Window, *, today: date, right_first: date | None, right_end: date | None
) -> tuple[Window | None, list[str]]:
    """Return the part of a range within the right that GRDF can be asked for, and why days were left out."""
    oldest = oldest_allowed(today)
    reasons: list[str] = []
    if asked.first < oldest:
        reasons.append(f"GRDF keeps {HISTORY_YEARS} years of daily data: days before {oldest} are left out")
    if asked.end > today:
        reasons.append(f"days from {today} on are not over yet and are left out")
    if right_first is not None and asked.first < right_first and right_first > oldest:
        reasons.append(f"the household's consent starts with {right_first}: earlier days are left out")
    if right_end is not None and asked.end > right_end and right_end < today:
        reasons.append(f"the household's consent ends before {right_end}: later days are left out")
    window = asked.clip(oldest, today)
    return window and window.clip(right_first, right_end), reasons
