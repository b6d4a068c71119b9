"""Charts of a meter's days, months and years, in the visitor's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from markupsafe import Markup

from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, bar_chart
from grdf.page.html.formatting import LocaleFormatter
from include.gas.display.cells import GAPS, Cell, year_before


def draw_chart(
    cells: Sequence[Cell],
    t: Texts,
    *,
    name: str,
    label: Callable[[date], str],
    title: Callable[[date], str],
    years: bool = False,
) -> Markup:
    """Return a chart of days or months beside a year earlier, or of years; ``name`` is for screen readers."""
    spell = LocaleFormatter(t.language)

    def former(cell: Cell) -> Bar:
        period = title(year_before(cell.first) or cell.first)
        if cell.before is None:
            return Bar(None, "former", period)
        text = f"{period}: {t('cell.kwh', kwh=spell.number(cell.before))}"
        if cell.matched is not None and cell.former is not None:
            days, matched, whole = (spell.number(each) for each in (cell.compared, cell.matched, cell.former))
            text += t("cell.same", days=days, kwh=matched, former=whole)
        return Bar(cell.before, "former", text)

    def now(cell: Cell) -> Bar:
        text = f"{title(cell.first)}: {describe_cell(cell, t)}"
        return Bar(cell.load, cell.kind, text, gap=cell.kind in GAPS, marked=bool(cell.changes or cell.doubts))

    series = [("now", [now(cell) for cell in cells])]
    if not years:
        series.insert(0, ("before", [former(cell) for cell in cells]))
    return bar_chart([label(cell.first) for cell in cells], series, name=name, unit="kWh")


def describe_cell(cell: Cell, t: Texts, *, figure: bool = True) -> str:
    """Return a description of a cell, with the kWh if ``figure``."""
    spell = LocaleFormatter(t.language)
    words = [t(f"kind.{cell.kind}")]
    if figure and cell.load is not None:
        words.insert(0, t("cell.kwh", kwh=spell.number(cell.load)))
    if cell.part:
        covered, length = cell.part
        words.append(t("cell.part", covered=spell.number(covered), length=spell.number(length)))
    if cell.changes:
        last = cell.changes[-1]
        before = "?" if last.before is None else spell.number(last.before)
        words.append(t("cell.corrected", before=before, at=spell.moment(last.at)))
    words += [t(f"cell.doubt.{doubt}") for doubt in cell.doubts]
    return ", ".join(words)
