"""``/city``: what groups of households have used, as published."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from io import StringIO
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from markupsafe import Markup
from msgspec.structs import asdict
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
COLUMNS = (
    "dimension", "group", "year", "month", "households", "assigned", "kwh", "published_on",
    "compared_households", "compared_load", "compared_before",
)  # fmt: skip
HAS_PYARROW = find_spec("pyarrow") is not None


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
        parquet=HAS_PYARROW,
    )


@router.get("/city.csv", dependencies=[Depends(may_see_city)])
def download_csv() -> Response:
    """Return all figures as CSV; what is not published is not there."""
    rows = csv.DictWriter(written := StringIO(), COLUMNS)
    rows.writeheader()
    rows.writerows({name: safe_cell(value) for name, value in row.items()} for row in _rows())
    return _file("city.csv", written.getvalue(), "text/csv; charset=utf-8")


@router.get("/city.parquet", dependencies=[Depends(may_see_city)])
def download_parquet() -> Response:
    """Return the same as Parquet; 404 without pyarrow."""
    if not HAS_PYARROW:
        raise HTTPException(404, "the extra lake is not installed")
    from include.gas.city.parquet import encode_figures

    return _file("city.parquet", encode_figures(_rows()), "application/vnd.apache.parquet")


def _file(name: str, content: str | bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _rows() -> Iterator[dict[str, Any]]:
    for figures in _figures().values():
        for each in figures:
            row = asdict(each) | {"kwh": each.load}
            if each.compared:
                row |= {f"compared_{name}": value for name, value in asdict(each.compared).items()}
            yield {name: row.get(name) for name in COLUMNS}


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
        columns.append(Column(str(each.month), said, (Bar(load, "whole"),)))  # names of 24 months would be cut
    return bar_chart(columns, ("now",), name=t("city.chart"), unit="kWh", number=spell.number)
