"""Measuring things beside each other, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median


@dataclass
class Watch:
    """Milliseconds of one measurement.

    :param wall: as a clock on the wall says
    :param cpu: spent by this process, which other processes disturb less
    """

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def watch() -> Iterator[Watch]:
    """Measure a block, with the rubbish of earlier ones collected before."""
    measured = Watch()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.cpu = (time.process_time() - cpu) * 1000
    measured.wall = (time.perf_counter() - wall) * 1000


Figures = dict[str, float]


class Samples(dict[str, list[Figures]]):
    """Every measurement of every variant: by its name, in the order of the rounds."""

    def middle(self, variant: str) -> Figures:
        """Return the medians of a variant's figures."""
        taken = self[variant]
        return {figure: median(sample[figure] for sample in taken) for figure in taken[0]}

    def ratio(self, variant: str, other: str, figure: str) -> float:
        """Return the median, over the rounds, of a variant's figure divided by another one's of the same round.

        What slows the machine for a while meets both of a round, so this is steadier than a ratio of medians.
        """
        return median(one[figure] / two[figure] for one, two in zip(self[variant], self[other], strict=True))


def side_by_side(variants: Mapping[str, Callable[[], Figures]], repeat: int) -> Samples:
    """Run variants one after the other, again and again, another one first each time.

    :param variants: each gives its figures of one measurement by name
    :param repeat: rounds, so measurements per variant
    """
    samples = Samples({name: [] for name in variants})
    order = list(variants)
    for _ in range(repeat):
        for name in order:
            samples[name].append(variants[name]())
        order = order[1:] + order[:1]
    return samples
