"""``/city``: what groups of households have used, as published."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from io import StringIO

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from grdf import settings
from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, Column, bar_chart
from grdf.page.html.formatting import LocaleFormatter, asked_month
from grdf.page.html.render import page, texts_for
from grdf.page.list.shared_mirrors import all_figures, couchdb
from grdf.page.security import may_see_city
from include.gas.city.figures import Figure
from include.gas.city.weather import WEATHER, weather_of
from include.gas.city.works import effect_of_works, normalised
from include.gas.display.csv_cells import safe_cell
from include.gas.documents.doctypes import CITY
from include.gas.importing.csv_file import DIMENSIONS

router = APIRouter()
SHOWN = 24
"""Months of a group in its chart."""
COLUMNS = ("dimension", "group", "year", "month", "households", "assigned", "load", "published_on")
COMPARED = ("households", "load", "before")


@router.get("/city", dependencies=[Depends(may_see_city)])
def city(
    request: Request, dimension: str = "", group: str = "", first: str = "", last: str = "", against: str = ""
) -> Response:
    """Show all groups by their newest month, or the months of one, and the effect of works from a month to another."""
    found, weather = _figures(), weather_of(couchdb().get(CITY, WEATHER))
    of_group = found.get((dimension, group), [])
    start, end, (kind, _, name) = asked_month(first), asked_month(last), against.partition(":")
    others = found.get((kind, name), [])
    groups = sorted(found, key=lambda named: (DIMENSIONS.index(named[0]), named[1]))
    return page(
        request,
        "city.html",
        groups={named: found[named][-1] for named in groups},
        dimension=dimension,
        group=group,
        months=of_group[::-1],
        chart=_draw(of_group[-SHOWN:], texts_for(request)) if of_group else "",
        normalised=normalised(of_group, weather),
        works=(start, end),
        against=against,
        effect=effect_of_works(of_group, others, weather, start, end) if start and end and start <= end else None,
        smallest=settings.smallest_group.or_default(),
    )


@router.get("/city.csv", dependencies=[Depends(may_see_city)])
def download_csv() -> Response:
    """Return all figures as CSV; what is not published is not there."""
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(
        [*("kwh" if name == "load" else name for name in COLUMNS), *(f"compared_{name}" for name in COMPARED)]
    )
    for figures in _figures().values():
        for each in figures:
            compared = [getattr(each.compared, name) if each.compared else "" for name in COMPARED]
            rows.writerow([*(safe_cell(getattr(each, name)) for name in COLUMNS), *compared])
    headers = {"Content-Disposition": 'attachment; filename="city.csv"'}
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _figures() -> dict[tuple[str, str], list[Figure]]:
    """Return the published figures by dimension and group, by month."""
    found: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in all_figures():
        found[figure.dimension, figure.group].append(figure)
    return {named: sorted(figures, key=lambda each: each.first) for named, figures in found.items()}


def _draw(figures: Sequence[Figure], t: Texts) -> Markup:
    spell = LocaleFormatter(t.language)
    columns = []
    for each in figures:
        load = round(each.load / each.households)
        said = t("city.column", month=spell.month(each.first), kwh=spell.number(load), households=each.households)
        columns.append(Column(spell.month_name(each.first), said, (Bar(load, "whole"),)))
    return bar_chart(columns, ("now",), name=t("city.chart"), unit="kWh", number=spell.number)
