"""Charts of a meter's days, months and years, in the visitor's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, Column, bar_chart
from grdf.page.html.formatting import LocaleFormatter
from include.gas.display.cells import GAPS, UNFINISHED, Cell, Kind, year_before

SIGNS = {Kind.AWAITED: "?", Kind.NONE: "×", Kind.EXPECTED: "…"}
"""What stands in the place of a bar, and in the legend."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its legend: CSS class, sign and text of what it holds, and nothing else."""

    drawing: Markup
    legend: tuple[tuple[str, str, str], ...]


def draw_chart(
    cells: Sequence[Cell],
    t: Texts,
    *,
    name: str,
    label: Callable[[Cell], str],
    title: Callable[[date], str],
    years: bool = False,
) -> Chart:
    """Return a chart of days or months beside a year earlier, or of years; ``name`` is for screen readers."""

    def column(cell: Cell) -> Column:
        marked = bool(cell.changes or cell.doubts)
        matched = cell.matched if not years and _is_partly_compared(cell) else None
        now = Bar(cell.load, cell.kind, SIGNS.get(cell.kind, ""), marked, matched)
        text = t("account.sum", title=title(cell.first), said=describe_cell(cell, t))
        empty = cell.kind if cell.load is None else ""
        if years:
            return Column(label(cell), text, (now,), empty)
        compared = compare_cell(cell, t, title(year_before(cell.first) or cell.first))
        return Column(label(cell), ". ".join(filter(None, (text, compared))), (Bar(cell.before, "former"), now), empty)

    drawing = bar_chart(
        [column(cell) for cell in cells],
        ("now",) if years else ("before", "now"),
        name=name,
        unit="kWh",
        number=LocaleFormatter(t.language).number,
    )
    return Chart(drawing, tuple(_legend(cells, t, years=years)))


def _is_partly_compared(cell: Cell) -> bool:
    """Whether some days of its load have none beside them."""
    return cell.load is not None and cell.matched not in (None, cell.load)


def _legend(cells: Sequence[Cell], t: Texts, *, years: bool) -> Iterator[tuple[str, str, str]]:
    spell, kinds = LocaleFormatter(t.language), Counter(cell.kind for cell in cells)
    for kind in (kind for kind in Kind if kinds[kind]):
        said = t(f"kind.{kind}")
        if kind in GAPS:
            said = t("account.sum", title=said, said=spell.number(kinds[kind]))
        yield kind, SIGNS.get(kind, ""), said
    for word, is_held in (
        ("former", not years and any(cell.before is not None for cell in cells)),
        ("compared", not years and any(map(_is_partly_compared, cells))),
        ("zero", any(cell.load == 0 for cell in cells)),
        ("marked", any(cell.changes or cell.doubts for cell in cells)),
    ):
        if is_held:
            yield word, "", t(f"legend.{word}")


def describe_cell(cell: Cell, t: Texts, *, figure: bool = True) -> str:
    """Return a description of a cell, with the kWh and € if ``figure``."""
    spell = LocaleFormatter(t.language)
    words = [t(f"kind.{cell.kind}")]
    if figure and cell.load is not None:
        of = "cell.kwh.days" if cell.kind in UNFINISHED else "cell.kwh"
        words.insert(0, t(of, kwh=spell.number(cell.load), days=spell.number(cell.days)))
        words[1:1] = [spell.euros(cell.price)] if cell.price is not None else []
    if cell.part:
        covered, length = cell.part
        words.append(t("cell.part", covered=spell.number(covered), length=spell.number(length)))
    if cell.changes:
        last = cell.changes[-1]
        before = "?" if last.before is None else spell.number(last.before)
        words.append(t("cell.corrected", before=before, at=spell.moment(last.at)))
    words += [t(f"cell.doubt.{doubt}") for doubt in cell.doubts]
    return ", ".join(words)


def compare_cell(cell: Cell, t: Texts, earlier: str) -> str:
    """Return what the same days used a year before and how many they are, and the whole period ``earlier``."""
    spell, said = LocaleFormatter(t.language), []
    figures = {"days": cell.compared, "kwh": cell.matched or 0, "before": cell.before or 0}
    if cell.compared:
        key = "account.same.some" if _is_partly_compared(cell) else "account.same"
        said.append(t(key, **{name: spell.number(value) for name, value in figures.items()}))
    if cell.former is not None and not (cell.compared and cell.former == cell.before):
        key = "account.former.part" if cell.former_days else "account.former"
        said.append(t(key, period=earlier, days=spell.number(cell.former_days), kwh=spell.number(cell.former)))
    elif cell.former is None and cell.before is not None:
        said.append(t("account.sum", title=earlier, said=t("cell.kwh", kwh=spell.number(cell.before))))
    return " ".join(said)
