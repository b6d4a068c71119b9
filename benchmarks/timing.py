"""Interleaved measurements: other load on the machine affects all variants alike."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass
class Watch:
    """Milliseconds of one measurement, by the clock and of this process's CPU."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def watch() -> Iterator[Watch]:
    """Measure a block, after collecting earlier garbage."""
    measured = Watch()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.cpu = (time.process_time() - cpu) * 1000
    measured.wall = (time.perf_counter() - wall) * 1000


Figures = dict[str, float]


class Samples(dict[str, list[Figures]]):
    """Every measurement by variant, in the order of the rounds."""

    def middle(self, variant: str) -> Figures:
        taken = self[variant]
        return {figure: median(sample[figure] for sample in taken) for figure in taken[0]}

    def ratio(self, variant: str, other: str, figure: str) -> float:
        """Return the median over the rounds of a ratio of variants: more stable than a ratio of medians."""
        return median(one[figure] / two[figure] for one, two in zip(self[variant], self[other], strict=True))


def side_by_side(variants: Mapping[str, Callable[[], Figures]], repeat: int) -> Samples:
    """Run variants in turn, each round starting with another."""
    samples = Samples({name: [] for name in variants})
    order = list(variants)
    for _ in range(repeat):
        for name in order:
            samples[name].append(variants[name]())
        order = order[1:] + order[:1]
    return samples


def run_alone(module: str, **env: str) -> Figures:
    """Run a module in a process of its own, and return the figures that it prints with :func:`print_run`."""
    env = os.environ | env | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-m", module], env=env, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def print_run(run: Callable[[], Mapping[str, int]]) -> None:
    """Run a function, and print its counts, seconds and this process's peak of memory."""
    with watch() as measured:
        counts = run()
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())  # getrusage begins with the parent's
    figures = {"s": measured.wall / 1000, "CPU s of it": measured.cpu / 1000, "MB": int(peak[1]) / 1000 if peak else 0}
    print(json.dumps({**counts, **figures}))
