"""A range of the past that a person asks for in the form of a DAG.

``asked_days`` says which of its days GRDF can be asked for.
"""

from __future__ import annotations

from datetime import date

from include.gas.days.gas_day import parse_day
from include.gas.days.windows import Window
from include.gas.errors import BadRequest

_AGAIN = "Nothing was read. Start it again with `from` (first gas day) before `to` (not included), both YYYY-MM-DD."


def asked_range(first: object, end: object) -> Window:
    """Return the range that the form names.

    :param first: first gas day, ``YYYY-MM-DD``
    :param end: gas day after the last one, ``YYYY-MM-DD``
    :raises BadRequest: if one of them is not a date, or if ``first`` is not before ``end``
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
