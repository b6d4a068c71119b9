"""A range of the past that a person asks for: how the form says it, and which of its days may still change.

Which of them GRDF can be asked for is in ``asked_days``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from include.gas.days import ONE_DAY, parse_day
from include.gas.documents import day_of
from include.gas.errors import BadRequest
from include.gas.windows import Window

_AGAIN = "Nothing was read. Start it again with `from` (first gas day) before `to` (not included), both YYYY-MM-DD."


def asked_range(first: object, end: object) -> Window:
    """Read the range of the form.

    :param first: first gas day, ``YYYY-MM-DD``.
    :param end: gas day after the last one, ``YYYY-MM-DD``.
    :raises BadRequest: when one is no date, or they are upside down.
    """
    days: list[date] = []
    for name, text in (("from", first), ("to", end)):
        try:
            days.append(parse_day(str(text)))
        except ValueError:
            raise BadRequest.about(None, f"`{name}` is {str(text)!r:.40}, which is not a date", _AGAIN) from None
    if days[0] >= days[1]:
        raise BadRequest.about(None, f"the range from {days[0]} to {days[1]} holds no day", _AGAIN)
    return Window(*days)


def open_days(window: Window, stored: Iterable[Mapping[str, Any]]) -> Window | None:
    """Narrow a window to the days that may still bring something: those not stored as definitive.

    :param window: the days that can be asked.
    :param stored: the stored day documents of the window.
    :return: from the first to the last such day, in one window as GRDF is asked once; None when there is none.
    """
    definitive = {day_of(document) for document in stored if document.get("status") == "definitive"}
    rest = [day for day in window.days() if day not in definitive]
    return Window(rest[0], rest[-1] + ONE_DAY) if rest else None
