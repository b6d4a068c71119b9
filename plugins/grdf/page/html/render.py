"""Pages built from templates and texts, and the static files that they need.

All values passed to a template are escaped. Every template can use ``t`` (texts of the catalogue), ``spell`` (formats
days and numbers), ``base`` (the path of this application), ``airflow`` (the path of Airflow) and ``static`` (returns
the path of a file in ``static/``).
"""

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
STATIC = {path.name: path for path in (PAGE / "static").iterdir()}
environment = Environment(loader=FileSystemLoader(PAGE / "templates"), autoescape=True, undefined=StrictUndefined)


@cache
def static_version() -> str:
    """Return a digest of the static files. It is part of their addresses, so browsers may keep them."""
    return hashlib.sha256(b"".join(path.read_bytes() for _, path in sorted(STATIC.items()))).hexdigest()[:12]


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Serve a static file. It needs no login, because the file contains no data."""
    if name not in STATIC:
        raise HTTPException(404, "no such file")
    return FileResponse(STATIC[name], headers={"Cache-Control": "public, max-age=86400"})


def texts_for(request: Request) -> Texts:
    """Return the texts in the language that a request asks for."""
    return Texts(language_of(request.headers.get("Accept-Language")))


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """Return a page.

    :param request: the request, which decides the language and the base path
    :param template: the file name of the template in ``templates/``
    :param status: the HTTP status of the response
    :param values: variables for the template
    """
    t = texts_for(request)
    base: str = request.scope["root_path"]
    html = environment.get_template(template).render(
        t=t,
        spell=LocaleFormatter(t.language),
        base=base,
        airflow=base.rpartition("/")[0],
        static=lambda file: f"{base}/static/{file}?{static_version()}",
        **values,
    )
    answer = HTMLResponse(html, status)
    answer.headers.update({"Content-Language": t.language, "Vary": "Accept-Language"})
    return answer


def problem(
    request: Request, status: int, key: str, /, links: tuple[tuple[str, str], ...] = (), **gaps: object
) -> HTMLResponse:
    """Return a page that says what went wrong and what to do next.

    :param key: prefix of the texts ``<key>.title``, ``<key>.what`` and ``<key>.next``
    :param links: links to offer, each as its address and the key of its text
    :param gaps: values for the placeholders in the texts
    """
    return page(request, "problem.html", status, key=key, gaps=gaps, links=links)


def wants_page(request: Request) -> bool:
    """Return whether the client is a browser that expects a page, rather than a program."""
    return "text/html" in request.headers.get("Accept", "")
