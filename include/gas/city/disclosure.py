"""Which households a figure may sum, so that nothing can be worked out about few of them.

A figure is the sum of what its households used in one month. Who knows all figures about a month, and even who is in
which, can work out no more than the sums of its *atoms*: the households that are in the same figures. Every other
combination of figures is one of atoms. So what is published about a month is safe if each atom has enough households,
and none of them has most of its sum. That holds for totals, for groups that overlap, and for figures that were
published earlier: a household that has left stays in the lists of what was published, under its token, and none of its
data does. Rules and sources: at least 11 households, none above 85 % (French statistical secrecy; Code de l'énergie,
D. 111-52 ff.).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from include.gas.documents.totals import Number

SMALLEST = 11
"""Default of ``[grdf] smallest_group``."""
LARGEST_SHARE = 0.85
"""Part of a sum that one household may have at most."""


class PublishedMonth:
    """What is published about one month: the figures that each household is in, as bits by token."""

    def __init__(self, smallest: int = SMALLEST) -> None:
        self._smallest = smallest
        self._figures: dict[str, int] = {}
        self._largest: dict[str, Number] = {}
        self._number = 0

    def add(self, members: Iterable[str], largest: Number) -> None:
        """Note a published figure, of whose households none used more than ``largest``."""
        for token in members:
            self._figures[token] = self._figures.get(token, 0) | 1 << self._number
            self._largest[token] = max(largest, self._largest.get(token, 0))
        self._number += 1

    def choose_members(self, wanted: Collection[str], loads: Mapping[str, Number]) -> frozenset[str]:
        """Return as many of the wanted households as may be in a further figure, none if that would not be safe.

        :param loads: what each household used in the month, in kWh; one that has left counts as the largest beside it
        """
        atoms, chosen = defaultdict[int, set[str]](set), set[str]()
        for token in {*self._figures, *wanted}:
            atoms[self._figures.get(token, 0)].add(token)
        for figures, atom in atoms.items():
            inside = atom & {*wanted}
            others = atom - inside if figures else set()
            if 0 < len(others) < self._smallest:  # a figure without all but a few of them would show these few
                others |= (moved := set(sorted(inside)[: self._smallest - len(others)]))
                inside -= moved
            if self._is_safe(inside, loads) and (not others or self._is_safe(others, loads)):
                chosen |= inside
        return frozenset(chosen)

    def _is_safe(self, atom: Collection[str], loads: Mapping[str, Number]) -> bool:
        known = [loads.get(token, self._largest.get(token, 0)) for token in atom]
        return len(atom) >= self._smallest and max(known) < LARGEST_SHARE * sum(known)  # a sum of 0 shows them all
