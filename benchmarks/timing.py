"""Interleaved measurements, so that other load on the machine affects all variants alike."""

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

    :param wall: wall-clock time
    :param cpu: CPU time of this process, on which other processes have less influence
    """

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def watch() -> Iterator[Watch]:
    """Measure a block, after collecting the garbage of earlier ones."""
    measured = Watch()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.cpu = (time.process_time() - cpu) * 1000
    measured.wall = (time.perf_counter() - wall) * 1000


Figures = dict[str, float]


class Samples(dict[str, list[Figures]]):
    """Every measurement of every variant, by its name, in the order of the rounds."""

    def middle(self, variant: str) -> Figures:
        """Return the medians of a variant's figures."""
        taken = self[variant]
        return {figure: median(sample[figure] for sample in taken) for figure in taken[0]}

    def ratio(self, variant: str, other: str, figure: str) -> float:
        """Return the median, over the rounds, of a variant's figure divided by another one's of the same round.

        A temporary slowdown affects both figures of a round, so this is more stable than a ratio of medians.
        """
        return median(one[figure] / two[figure] for one, two in zip(self[variant], self[other], strict=True))


def side_by_side(variants: Mapping[str, Callable[[], Figures]], repeat: int) -> Samples:
    """Run variants one after the other, repeatedly, starting with a different one each time.

    :param variants: functions that return the figures of one measurement, by the variant's name
    :param repeat: number of rounds, and so of measurements per variant
    """
    samples = Samples({name: [] for name in variants})
    order = list(variants)
    for _ in range(repeat):
        for name in order:
            samples[name].append(variants[name]())
        order = order[1:] + order[:1]
    return samples
