"""Checks of stored days, as a metrologist would make. They name what is doubtful and never change a load.

They allow for GRDF's rounding (ADICT fact sheet 3.2 and 6). A doubted day may be right: an exchanged meter has another
index. Each calendar year is checked by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from include.gas.days.gas_day import ONE_DAY
from include.gas.documents.day_documents import Document, day_of, is_number

INDEX: Final = "index"
ENERGY: Final = "energy"
JUMP: Final = "jump"
ZEROS: Final = "zeros"
WORDS: Final = (INDEX, ENERGY, JUMP, ZEROS)

HEATING = frozenset((11, 12, 1, 2, 3))
LONG_RUN = 14
"""Days without gas in the heating season that are doubted; a week away is not."""
FEW = 30
"""Days of the heating season needed to know a meter's winter use."""
USUAL_PART, TIMES_USUAL = 0.98, 3
"""Loads above three times the 98th percentile of the heating season are doubted."""
PART_OF_CAR = 0.06
"""Loads above this part of the contract's annual use are doubted. The coldest day takes some 0.011."""
NEVER_DOUBTED = 300
"""kWh, never doubted: a boiler on a cold day. The large house of the fact sheet's example took 250 at most."""
USUALLY_HEATED = 0.75
"""Part of the other heating days with gas that makes a long run without doubtful: an empty second home has none."""
_HALF_A_UNIT = 0.005
"""Of the last decimal of a coefficient, which has two or three."""


def find_doubts(days: Iterable[Document], car: int | float | None) -> dict[str, list[str]]:
    """Return the doubts of days by id: words of :data:`WORDS`. ``car``: the contract's annual use in kWh."""
    years: dict[int, dict[date, Document]] = defaultdict(dict)
    for document in days:
        day = day_of(document)
        years[day.year][day] = document
    found: dict[str, list[str]] = {}
    for by_day in years.values():
        limit, zeros = _limit(by_day, car), _doubtful_zeros(by_day)
        for day, document in by_day.items():
            words = [INDEX] if not _index_continues(by_day.get(day - ONE_DAY), document) else []
            words += [ENERGY] if not _energy_matches(document) else []
            words += [JUMP] if document["load"] > limit else []
            words += [ZEROS] if day in zeros else []
            if words:
                found[document["_id"]] = words
    return found


def is_doubted(document: Mapping[str, Any], word: str) -> bool:
    """Whether a stored day has this doubt, one of :data:`WORDS`."""
    stored = document.get("doubts")
    return isinstance(stored, list) and word in stored


def with_doubts(document: Document, words: list[str]) -> Document:
    """Return a day with its doubts; without any, it has no such key."""
    kept = {key: value for key, value in document.items() if key != "doubts"}
    return kept | {"doubts": words} if words else kept


def _index_continues(before: Document | None, document: Document) -> bool:
    printed, end = document.get("index_start"), document.get("index_end")
    former = before.get("index_end") if before else None
    if is_number(printed) and is_number(former) and printed != former:
        return False
    start, volume = printed if is_number(printed) else former, document.get("volume")
    if not (is_number(start) and is_number(end) and is_number(volume)):
        return True
    if end < start:  # it passed zero, with at least five digits
        end += 10 ** max(len(str(int(start))), 5)
    return bool(abs(end - start - volume) <= 1)


def _energy_matches(document: Document) -> bool:
    pairs = [
        (document.get("volume"), document.get("coefficient")),
        (document.get("converted_volume"), document.get("coefficient")),
        (document.get("converted_volume"), document.get("pcs")),
    ]
    usable = [(volume, factor) for volume, factor in pairs if is_number(volume) and is_number(factor) and factor > 0]
    return not usable or any(_is_about(document["load"], volume, factor) for volume, factor in usable)


def _is_about(load: float, volume: float, factor: float) -> bool:
    step = 1 if volume == int(volume) else 0.1
    return abs(load - volume * factor) <= step * factor + _HALF_A_UNIT * volume + 1


def _limit(by_day: Mapping[date, Document], car: int | float | None) -> float:
    limit = PART_OF_CAR * car if car else float("inf")
    used = sorted(each["load"] for day, each in by_day.items() if day.month in HEATING and each["load"] > 0)
    if len(used) >= FEW:
        limit = min(limit, TIMES_USUAL * used[int(USUAL_PART * (len(used) - 1))])
    return max(limit, NEVER_DOUBTED)


def _doubtful_zeros(by_day: Mapping[date, Document]) -> set[date]:
    """Return the days of long runs without gas, if the household usually heats then."""
    heating = [day for day in sorted(by_day) if day.month in HEATING]
    runs = _runs(day for day in heating if by_day[day]["load"] == 0)
    long = {day for run in runs if len(run) >= LONG_RUN for day in run}
    others = [by_day[day]["load"] > 0 for day in heating if day not in long]
    return long if len(others) >= FEW and sum(others) >= USUALLY_HEATED * len(others) else set()


def _runs(days: Iterable[date]) -> Iterator[list[date]]:
    run: list[date] = []
    for day in days:
        if run and day != run[-1] + ONE_DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run
