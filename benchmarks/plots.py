"""Charts of ``./grdf bench --json`` as PNG: ``python -m benchmarks.plots FIGURES.json FOLDER``."""

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
    """Curves, on a logarithmic horizontal axis, or over time."""

    name: str
    title: str
    across: str
    up: str
    curves: Mapping[str, Points]
    over_time: bool = False


@dataclass(frozen=True)
class Bars:
    """Groups of bars, on a logarithmic axis."""

    name: str
    title: str
    across: str
    groups: Mapping[str, Mapping[str, float]]


def draw(chart: Chart | Bars, folder: Path) -> Path:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8.0, 3.6), dpi=80)
    axes.set_title(chart.title)
    _curves(axes, chart) if isinstance(chart, Chart) else _bars(axes, chart)
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))  # outside, where it hides no curve
    figure.tight_layout()
    file = folder / f"{chart.name}.png"
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)
    return file


def _curves(axes: Any, chart: Chart) -> None:
    for (name, points), marker in zip(chart.curves.items(), "osD^vx*+" * 3, strict=False):
        shown = None if chart.over_time else marker
        axes.plot(*zip(*points, strict=True), marker=shown, label=name, linewidth=1.6, markersize=5)
    if not chart.over_time:
        axes.set_xscale("log")
        ticks = sorted({across for points in chart.curves.values() for across, _ in points})
        axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set(xlabel=chart.across, ylabel=chart.up)
    axes.grid(alpha=0.3)


def _bars(axes: Any, chart: Bars) -> None:
    names = list(next(iter(chart.groups.values())))
    thick = 0.8 / len(chart.groups)
    for number, (group, bars) in enumerate(chart.groups.items()):
        places = [at + (number - (len(chart.groups) - 1) / 2) * thick for at in range(len(names))]
        drawn = axes.barh(places, [bars[name] for name in names], height=thick, label=group)
        axes.bar_label(drawn, labels=[f"{bars[name]:.3g}" for name in names], padding=3, fontsize="small")
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 2)
    axes.set_xlabel(chart.across)
    axes.grid(axis="x", alpha=0.3)


def draw_all(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    from benchmarks import plots_store

    folder.mkdir(parents=True, exist_ok=True)
    makers = {"store": plots_store.charts}
    found = [chart for name, make in makers.items() if name in figures for chart in make(figures[name]["tables"])]
    return [draw(chart, folder) for chart in found]


if __name__ == "__main__":
    for drawn in draw_all(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])):
        print(drawn)
