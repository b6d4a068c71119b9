"""How fresh a meter's gas days are, for readers of the account document: the newest, the next, and why it is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Self

import msgspec

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.lateness import MONTH_BY, PUBLISHED_WITHIN, silent_after
from include.gas.days.windows import Window
from include.gas.documents.year_counts import StoredYear

SEEN = 60
"""Gas days whose delays are kept."""
FEW = 10
"""Delays needed to expect by them."""
USUAL_PART = 0.95
ABSENT = "."


class Lateness(StrEnum):
    """Why a meter's next day is late, for its household: in a word, and in a sentence."""

    en: str
    fr: str

    def __new__(cls, word: str, en: str, fr: str) -> Self:
        """Make a row of the table."""
        self = str.__new__(cls, word)
        self._value_, self.en, self.fr = word, en, fr
        return self

    GRDF = (
        "grdf",
        "GRDF publishes late for everybody: the missing days follow by themselves.",
        "GRDF publie en retard pour tout le monde : les jours manquants suivront d’eux-mêmes.",
    )
    METER = (
        "meter",
        "GRDF has published nothing new for this meter.",
        "GRDF n’a rien publié de nouveau pour ce compteur.",
    )
    RIGHT = (
        "right",
        "This meter may not be read now: its consent has ended, or does not yet hold.",
        "Ce compteur ne peut pas être lu actuellement : l’accord a pris fin ou n’est pas encore valable.",
    )
    US = (
        "us",
        "We do not read this meter at the moment, which is our fault: the missing days follow once it is mended.",
        "Nous ne lisons pas ce compteur en ce moment, par notre faute : les jours manquants suivront ensuite.",
    )


class Late(msgspec.Struct, frozen=True):
    """A lateness as the account document has it."""

    cause: str
    en: str
    fr: str

    @classmethod
    def because(cls, why: Lateness) -> Self:
        """Return the entry for a cause."""
        return cls(why.value, why.en, why.fr)


class Freshness(msgspec.Struct, frozen=True, omit_defaults=True):
    """How fresh a meter with daily data is.

    :param expected: civil day in Paris by which a newer gas day should be stored
    :param delays: of the gas days up to the newest, a digit each: how many days later it was read, 9 for 9 and more
    """

    newest: date | None = None
    expected: date | None = None
    delays: str = ""
    late: Late | None = None

    def after_load(self, years: Mapping[int, StoredYear], read_on: date, frequency: str) -> Freshness:
        """Return it after a load, by what is stored now; ``read_on`` is the civil day in Paris of GRDF's answer."""
        newest = max((year.last for year in years.values()), default=None)
        if newest is None or silent_after(frequency) is None:
            return Freshness()
        gone = max((self.newest - newest).days, 0) if self.newest else 0
        delays = self.delays[: max(len(self.delays) - gone, 0)]
        if self.newest:  # of days before the first load, the delay is not known
            new = Window.between(self.newest + ONE_DAY, newest + ONE_DAY)
            delays += "".join(_delay(day, years, read_on) for day in new.days()) if new else ""
        delays = delays[-SEEN:]
        late = self.late if newest == self.newest else None
        return Freshness(newest, _expected(newest, delays, frequency), delays, late)


def reach(delays: Counter[str], part: float) -> int:
    """Return within how many days a part of the days came, by counted digits of ``delays``."""
    digits = sorted(delays.keys() - {ABSENT})
    so_far = list(accumulate(delays[digit] for digit in digits))
    return int(next(digit for digit, number in zip(digits, so_far, strict=True) if number >= part * so_far[-1]))


def _delay(day: date, years: Mapping[int, StoredYear], read_on: date) -> str:
    is_stored = day.year in years and years[day.year].within(Window(day, day + ONE_DAY))
    return str(min((read_on - day).days, 9)) if is_stored else ABSENT


def _expected(newest: date, delays: str, frequency: str) -> date:
    """Return by when the day after the newest one should be there; no later than it counts as silent."""
    following = newest + ONE_DAY
    if frequency == "MM":
        return (following.replace(day=1) + timedelta(days=31)).replace(day=MONTH_BY)
    is_known = len(delays) - delays.count(ABSENT) >= FEW
    usual = reach(Counter(delays), USUAL_PART) if is_known else PUBLISHED_WITHIN.days
    return min(following + ONE_DAY * usual, newest + ONE_DAY * (silent_after(frequency) or 0))
