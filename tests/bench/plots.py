"""Curves of the benchmarks as PNG, drawn from the figures that ``./grdf bench --json`` writes.

``python -m tests.bench.plots FIGURES.json FOLDER`` draws them anew without measuring.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """One picture.

    :param name: of its file, without the ending
    :param title: above it
    :param across: what the horizontal axis says
    :param up: what the vertical axis says
    :param curves: points by the curve's name
    :param log_up: whether the vertical axis is logarithmic too
    """

    name: str
    title: str
    across: str
    up: str
    curves: Mapping[str, Points]
    log_up: bool = False


def draw(chart: Chart, folder: Path) -> Path:
    """Draw a chart; give its file.

    :param chart: what to draw
    :param folder: where to put it
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=80)
    for (name, points), marker in zip(chart.curves.items(), "osD^vx*+" * 3, strict=False):
        axes.plot(*zip(*points, strict=True), marker=marker, label=name, linewidth=1.6, markersize=5)
    axes.set_xscale("log")
    ticks = sorted({across for points in chart.curves.values() for across, _ in points})
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()
    if chart.log_up:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set(title=chart.title, xlabel=chart.across, ylabel=chart.up)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    file = folder / f"{chart.name}.png"
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)
    return file


def draw_all(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw all curves that some figures have; give the files.

    :param figures: what ``./grdf bench --json`` writes: reports by the benchmark's name
    :param folder: where to put them; made when missing
    """
    from tests.bench.plots_store import charts

    folder.mkdir(parents=True, exist_ok=True)
    found = charts(figures["store"]["tables"]) if "store" in figures else []
    return [draw(chart, folder) for chart in found]


if __name__ == "__main__":
    for drawn in draw_all(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])):
        print(drawn)
