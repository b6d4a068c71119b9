"""Static files, and pages from templates, which also have what :func:`page` gives to all."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse, Response

from grdf.page.html.catalogue import Texts, language_of
from grdf.page.html.formatting import LocaleFormatter

PAGE = Path(__file__).parents[1]
router = APIRouter()
Links = tuple[tuple[str, str], ...]
"""Addresses, and the keys of their texts; an empty address is the page's own."""
STATIC = {path.name: path for path in (PAGE / "static").iterdir()}
environment = Environment(loader=FileSystemLoader(PAGE / "templates"), autoescape=True, undefined=StrictUndefined)


@cache
def static_version() -> str:
    """Return a digest of the static files for their addresses, so that browsers may keep them."""
    return hashlib.sha256(b"".join(path.read_bytes() for _, path in sorted(STATIC.items()))).hexdigest()[:12]


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Serve a static file without login: it has no data."""
    if name not in STATIC:
        raise HTTPException(404, "no such file")
    return FileResponse(STATIC[name], headers={"Cache-Control": "public, max-age=86400"})


def texts_for(request: Request) -> Texts:
    """Return the texts in the language that a request asks for."""
    return Texts(language_of(request.headers.get("Accept-Language")))


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """Return a page from a template with these values."""
    t = texts_for(request)
    base: str = request.scope["root_path"]
    html = environment.get_template(template).render(
        t=t,
        spell=LocaleFormatter(t.language),
        base=base,
        airflow=base.rpartition("/")[0],
        household=is_household(request),
        static=lambda file: f"{base}/static/{file}?{static_version()}",
        **values,
    )
    answer = HTMLResponse(html, status)
    answer.headers.update({"Content-Language": t.language, "Vary": "Accept-Language"})
    return answer


def problem(request: Request, status: int, key: str, /, links: Links = (), **gaps: object) -> HTMLResponse:
    """Return a page with a problem and the next step."""
    return page(request, "problem.html", status, key=key, gaps=gaps, links=links)


def home_link(request: Request) -> Links:
    """Return the link to the accounts for an error page; none for a household, who may not open them."""
    return () if is_household(request) else ((f"{request.scope['root_path']}/", "page.name"),)


def is_household(request: Request) -> bool:
    """Return whether a household with its link asks, not an operator."""
    path: str = request.url.path
    return getattr(request.state, "household", False) or path.startswith(f"{request.scope['root_path']}/household")


def wants_page(request: Request) -> bool:
    """Return whether the client is a browser that expects a page."""
    return "text/html" in request.headers.get("Accept", "")
