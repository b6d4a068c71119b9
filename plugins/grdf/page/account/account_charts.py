"""The cells of a meter as charts, in the visitor's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from markupsafe import Markup

from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, bar_chart
from grdf.page.html.spelling import Spelling
from include.gas.display.cells import GAPS, Cell, year_before


def chart(
    cells: Sequence[Cell], t: Texts, *, name: str, label: Callable[[date], str], title: Callable[[date], str]
) -> Markup:
    """Draw cells, each beside the same period one year earlier.

    :param cells: days of a month, months of a year or years
    :param t: the texts
    :param name: what the chart shows
    :param label: what stands below a cell
    :param title: a cell's name
    """
    spell = Spelling(t.language)

    def former(cell: Cell) -> Bar:
        earlier = year_before(cell.first) or cell.first
        kwh = "" if cell.before is None else t("cell.kwh", kwh=spell.number(cell.before))
        return Bar(cell.before, "former", f"{title(earlier)}: {kwh}")

    def now(cell: Cell) -> Bar:
        text = f"{title(cell.first)}: {said(cell, t)}"
        return Bar(cell.load, cell.kind, text, gap=cell.kind in GAPS, marked=bool(cell.changes))

    series = [("before", [former(cell) for cell in cells]), ("now", [now(cell) for cell in cells])]
    return bar_chart([label(cell.first) for cell in cells], series, name=name)


def said(cell: Cell, t: Texts, *, figure: bool = True) -> str:
    """Say all of a cell in words.

    :param cell: the cell
    :param t: the texts
    :param figure: whether its kWh are said too
    """
    spell = Spelling(t.language)
    words = [t(f"kind.{cell.kind}")]
    if figure and cell.load is not None:
        words.insert(0, t("cell.kwh", kwh=spell.number(cell.load)))
    if cell.changes:
        last = cell.changes[-1]
        before = "?" if last.before is None else spell.number(last.before)
        words.append(t("cell.corrected", before=before, at=spell.moment(last.at)))
    return ", ".join(words)
