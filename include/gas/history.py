"""A range of the past that a person asks for: what of it can be asked of GRDF, and in words what cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.days import ONE_DAY, parse_day
from include.gas.documents import day_of
from include.gas.errors import BadRequest
from include.gas.windows import HISTORY_YEARS, Window, oldest_allowed

_AGAIN = "Nothing was read. Start it again with `from` (first gas day) before `to` (not included), both YYYY-MM-DD."


@dataclass(frozen=True, slots=True)
class Askable:
    """What of a range can be asked for one meter.

    :param window: the days to ask for, or None.
    :param reasons: in words, why it is not the whole range.
    """

    window: Window | None
    reasons: tuple[str, ...] = ()


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


def askable(asked: Window, *, today: date, consent_first: date | None, consent_end: date | None) -> Askable:
    """Cut a range down to what GRDF may be asked.

    :param asked: the range.
    :param today: civil date in Paris.
    :param consent_first: first gas day the consent covers, None for no bound.
    :param consent_end: gas day from which the consent covers nothing, None for no bound.
    """
    oldest = oldest_allowed(today)
    reasons: list[str] = []
    if asked.first < oldest:
        reasons.append(f"GRDF keeps {HISTORY_YEARS} years of daily data: days before {oldest} are left out")
    if asked.end > today:
        reasons.append(f"days from {today} on are not over yet and are left out")
    if consent_first is not None and asked.first < consent_first and consent_first > oldest:
        reasons.append(f"the household's consent starts with {consent_first}: earlier days are left out")
    if consent_end is not None and asked.end > consent_end and consent_end < today:
        reasons.append(f"the household's consent ends before {consent_end}: later days are left out")
    window = asked.clip(oldest, today)
    window = window.clip(consent_first, consent_end) if window else None
    return Askable(window, tuple(reasons))


def open_days(window: Window, stored: Iterable[Mapping[str, Any]]) -> Window | None:
    """Narrow a window to the days that may still bring something: those not stored as definitive.

    :param window: the days that can be asked.
    :param stored: the stored day documents of the window.
    :return: from the first to the last such day, in one window as GRDF is asked once; None when there is none.
    """
    definitive = {day_of(document) for document in stored if document.get("status") == "definitive"}
    rest = [day for day in window.days() if day not in definitive]
    return Window(rest[0], rest[-1] + ONE_DAY) if rest else None
