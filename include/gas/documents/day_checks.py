"""Checks that a metrologist would make on stored days. They say what is doubtful, and never change a load.

Each looks at what GRDF says itself, and allows for all its known rounding (ADICT fact sheet 3.2 and 6): indexes are
whole m³, volumes have one decimal or none, and energies are whole kWh, made from a finer volume than the one that is
told. So what they find cannot be rounding. It may still be right: a meter that was exchanged has another index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from include.gas.days.gas_day import ONE_DAY
from include.gas.documents.gas_days import Document, day_of, has_load, is_number

INDEX: Final = "index"
"""The meter's index does not go on from the day before by the day's volume."""
ENERGY: Final = "energy"
"""The energy is not the volume times the coefficient."""
JUMP: Final = "jump"
"""The load is beyond what the meter uses in winter, or what its contract says."""
ZEROS: Final = "zeros"
"""The day is one of many without any gas in the heating season."""
WORDS: Final = (INDEX, ENERGY, JUMP, ZEROS)

HEATING = frozenset((11, 12, 1, 2, 3))
"""The months in which most of a year's gas is burnt."""
LONG_RUN = 14
"""So many days without gas in the heating season are doubted. A household that is away for a week is not."""
FEW = 30
"""So many days with gas in one heating season are needed to say what a meter uses in winter."""
USUAL_PART, TIMES_USUAL = 0.98, 3
"""A load is doubted above three times what all but two of a hundred days of the heating season stay below."""
PART_OF_CAR = 0.06
"""A load is doubted above this part of the contract's annual consumption. The coldest day takes some 0.011 of it."""
NEVER_DOUBTED = 300
"""kWh. What one boiler burns in a cold day is doubted in no household, however little it usually uses. The large house
of the fact sheet's example took 250 at most."""
USUALLY_HEATED = 0.75
"""Part of the other heating days on which a household must have used gas, for many days without to be doubtful. A
second home that is empty all winter, or used at weekends, has its habit and no doubt."""
_HALF_A_UNIT = 0.005
"""Of the last decimal of a coefficient, which has two or three."""


def doubts_about(days: Iterable[Document], car: int | float | None) -> dict[str, list[str]]:
    """Return what is doubtful about the stored days of a meter, for each of them.

    What depends on days that are not given stays as it is stored: whether the index goes on from the day before the
    first one, and whether a run of zeros that touches the first or the last one is long.

    :param days: all stored days of some calendar years without a gap between these
    :param car: the contract's annual reference consumption in kWh; ``None`` if unknown
    :return: words of :data:`WORDS` in their order, by the id of each given day
    """
    by_day = {day_of(document): document for document in days if has_load(document)}
    if not by_day:
        return {}
    edges = _edges(by_day)
    found: dict[str, list[str]] = {}
    zeros = _doubtful_zeros(by_day, edges)
    limits = {year: _limit(by_day, year, car) for year in {day.year for day in by_day}}
    for day, document in by_day.items():
        words = {
            INDEX: is_doubted(document, INDEX)
            if day == edges[0]
            else not _goes_on(by_day.get(day - ONE_DAY), document),
            ENERGY: not _fits(document),
            JUMP: document["load"] > limits[day.year],
            ZEROS: day in zeros,
        }
        found[document["_id"]] = [word for word in WORDS if words[word]]
    return found


_REASONS = {
    INDEX: "the meter's index does not go on from the day before",
    ENERGY: "the energy is not the volume times the coefficient",
    JUMP: "it is far more than the meter uses in winter or its contract says",
}
MOST_NAMED = 5
"""Days that a message names for each reason."""


def doubts_message(doubts: Mapping[date, Iterable[str]]) -> str:
    """Return in words what is doubtful, with the newest days of each reason, for a log.

    Days without gas are left out: a log must not say when nobody is at home. A message on the day on which they are two
    weeks says since when. The account and its page tell of them.

    :param doubts: words of :data:`WORDS` by gas day
    :return: ``""`` if there is nothing to say
    """
    told = []
    for word, reason in _REASONS.items():
        days = sorted(day for day, words in doubts.items() if word in words)
        if days:
            named = ", ".join(day.isoformat() for day in days[-MOST_NAMED:])
            told.append(f"{len(days)} day(s) are doubtful because {reason} ({named})")
    return "; ".join(told)


def is_doubted(document: Mapping[str, Any], word: str) -> bool:
    """Whether a stored day is doubted for one reason.

    :param word: one of :data:`WORDS`
    """
    stored = document.get("doubts")
    return isinstance(stored, list) and word in stored


def is_news(word: str, document: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a doubt is worth telling: it is not stored, and does not only make a known run without gas longer.

    :param word: one of :data:`WORDS`
    :param document: the day as it is stored
    :param before: the day before as it is stored; empty if there is none
    """
    return not is_doubted(document, word) and not (word == ZEROS and is_doubted(before, ZEROS))


def with_doubts(document: Document, words: list[str]) -> Document:
    """Return a day with its doubts. A day without any has no such key."""
    kept = {key: value for key, value in document.items() if key != "doubts"}
    return kept | {"doubts": words} if words else kept


def _edges(by_day: Mapping[date, Document]) -> tuple[date, date]:
    """Return the first and the last day of the years that the days are in."""
    return date(min(by_day).year, 1, 1), date(max(by_day).year, 12, 31)


def _goes_on(before: Document | None, document: Document) -> bool:
    """Whether the meter's index goes on from the day before, as far as GRDF says."""
    told, end = document.get("index_start"), document.get("index_end")
    former = before.get("index_end") if before else None
    if is_number(told) and is_number(former) and told != former:
        return False
    start = told if is_number(told) else former
    if not (is_number(start) and is_number(end)):
        return True
    volume = document.get("volume")
    if end < start:
        end += _counted_to(start)
        if not is_number(volume):
            return document.get("through_zero") is True
    return not is_number(volume) or abs(end - start - volume) <= 1


def _counted_to(index: float) -> int:
    """Return after how many m³ a meter's index is zero again: it has at least five digits."""
    return int("1" + "0" * max(len(str(int(index))), 5))


def _fits(document: Document) -> bool:
    """Whether the energy is one of the volumes times its factor, as far as GRDF says."""
    pairs = [
        (document.get("volume"), document.get("coefficient")),
        (document.get("converted_volume"), document.get("coefficient")),
        (document.get("converted_volume"), document.get("pcs")),
    ]
    told = [(volume, factor) for volume, factor in pairs if is_number(volume) and is_number(factor) and factor > 0]
    return not told or any(_is_about(document["load"], volume, factor) for volume, factor in told)


def _is_about(load: float, volume: float, factor: float) -> bool:
    step = 1 if volume == int(volume) else 0.1
    return abs(load - volume * factor) <= step * factor + _HALF_A_UNIT * volume + 1


def _limit(by_day: Mapping[date, Document], year: int, car: int | float | None) -> float:
    """Return the load in kWh above which a day of a year is doubted.

    It depends on that calendar year alone, so that it is the same whichever years are looked at.
    """
    limit = max(PART_OF_CAR * car, NEVER_DOUBTED) if car else float("inf")
    used = sorted(
        document["load"]
        for day, document in by_day.items()
        if day.year == year and day.month in HEATING and document["load"] > 0
    )
    if len(used) >= FEW:
        limit = min(limit, max(TIMES_USUAL * used[int(USUAL_PART * (len(used) - 1))], NEVER_DOUBTED))
    return limit


def _doubtful_zeros(by_day: Mapping[date, Document], edges: tuple[date, date]) -> set[date]:
    """Return the days of long runs without gas in the heating season, if the household usually heats then.

    Days of which that cannot be said are as they are stored.
    """
    heating = [day for day in sorted(by_day) if day.month in HEATING]
    runs = list(_runs(day for day in heating if by_day[day]["load"] == 0))
    long = {day for run in runs if len(run) >= LONG_RUN for day in run}
    heats = _heats([by_day[day]["load"] for day in heating if day not in long])
    doubtful: set[date] = set()
    for run in runs:
        known = _is_doubtful(run, edges, heats=heats)
        doubtful.update(day for day in run if (is_doubted(by_day[day], ZEROS) if known is None else known))
    return doubtful


def _is_doubtful(run: list[date], edges: tuple[date, date], *, heats: bool | None) -> bool | None:
    """Return whether a run of days without gas is doubtful; ``None`` if a longer one, or other days, would tell."""
    if len(run) >= LONG_RUN:
        return heats
    return None if {run[0], run[-1]} & {*edges} else False


def _heats(loads: Sequence[float]) -> bool | None:
    """Return whether a household usually heats on the days with these loads; ``None`` if they are too few to tell."""
    return None if len(loads) < FEW else sum(load > 0 for load in loads) >= USUALLY_HEATED * len(loads)


def _runs(days: Iterable[date]) -> Iterator[list[date]]:
    """Yield runs of days that follow each other."""
    run: list[date] = []
    for day in days:
        if run and day != run[-1] + ONE_DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run
