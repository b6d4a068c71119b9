"""Pages built from templates and texts, and the static files that they need.

All values passed to a template are escaped. Every template can use ``t`` (texts of the catalogue), ``spell`` (formats
days and numbers), ``base`` (the path of this application), ``airflow`` (the path of Airflow) and ``static`` (returns
the path of a file in ``static/``).
"""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse, Response

from grdf.page.html.catalogue import Texts, language_of
from grdf.page.html.spelling import Spelling

PAGE = Path(__file__).parents[1]
YEAR = 365 * 86_400
ICONS = ("gas.svg", "gas-dark.svg")
"""Files of ``static/`` that Airflow's navigation asks for by their own names, since the plugin must name them without
reading this package."""

router = APIRouter()
environment = Environment(loader=FileSystemLoader(PAGE / "templates"), autoescape=True, undefined=StrictUndefined)


@cache
def static_files() -> dict[str, Path]:
    """Return the files of ``static/`` by the name under which they are served.

    The name contains a digest of the content, so browsers can cache a file forever and still load each new version.
    """
    found = {}
    for path in sorted((PAGE / "static").iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        found[f"{path.stem}.{digest}{path.suffix}"] = path
    return found


@cache
def static_name(file: str) -> str:
    """Return the name under which a file of ``static/`` is served.

    :param file: the file's name in that folder
    """
    return next(name for name, path in static_files().items() if path.name == file)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Serve a static file. It needs no login, because the file contains no data."""
    path = PAGE / "static" / name if name in ICONS else static_files().get(name)
    if path is None:
        raise HTTPException(404, "no such file")
    kind = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    kept = "max-age=86400" if name in ICONS else f"max-age={YEAR}, immutable"
    return FileResponse(path, media_type=kind, headers={"Cache-Control": f"public, {kept}"})


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
        spell=Spelling(t.language),
        base=base,
        airflow=base.rpartition("/")[0],
        static=lambda file: f"{base}/static/{static_name(file)}",
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
