"""``/import/``: an operator uploads a file of households, starts its import, and takes the result away."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from grdf import dag_settings, settings
from grdf.page.html.render import page
from grdf.page.security import IMPORT, Visitor, may_import
from grdf.page.uploads.uploaded import uploaded
from grdf.staging.imports import Imports
from include.gas.errors import BadRequest
from include.gas.importing.csv_file import COLUMNS, REQUIRED, check_name

log = logging.getLogger(__name__)
router = APIRouter()
ImporterDep = Annotated[Visitor, Depends(may_import)]


def imports() -> Imports:
    """Return the folder with the files."""
    return Imports(settings.staging_url())


@router.get("/import/")
def show(request: Request, _: ImporterDep, stored: str = "") -> Response:
    """List the files that wait and the results."""
    return _page(request, stored=stored)


@router.post("/import/upload")
async def upload(request: Request, visitor: ImporterDep) -> Response:
    """Store a file with households."""
    files = await uploaded(request)
    if len(files) != 1:
        return await run_in_threadpool(_page, request, key="import.one_file")
    (file,) = files
    try:
        lines = await run_in_threadpool(imports().upload, file.name, file.content)
    except BadRequest as error:
        return await run_in_threadpool(_page, request, wrong=str(error))
    size = len(file.content)
    log.info("%s uploaded a CSV file of %d bytes with %d line(s) of households.", visitor.name, size, lines)
    return RedirectResponse(f"{request.scope['root_path']}/import/?stored={_mark(file.name)}", 303)


@router.post("/import/remove")
def remove(request: Request, visitor: ImporterDep, name: Annotated[str, Form()] = "") -> Response:
    """Remove a file that is not to be imported."""
    try:
        imports().remove(check_name(name))
    except BadRequest as error:
        return _page(request, wrong=str(error))
    log.info("%s removed a CSV file of households that was not to be imported.", visitor.name)
    return RedirectResponse(f"{request.scope['root_path']}/import/", 303)


@router.get("/import/results/{mark}")
def result(mark: str, _: ImporterDep) -> Response:
    """Return the result of an import, a CSV file without personal data. Access logs keep its address."""
    place = imports()
    name = next((name for name in place.names(results=True) if _mark(name) == mark), "")
    content = place.read(name) if name else None
    if content is None:
        raise HTTPException(404, "no such result")
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=kept)


def _mark(name: str) -> str:
    """Return what stands for the name of a file in addresses and logs: it may name somebody."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _page(request: Request, *, stored: str = "", wrong: str = "", key: str = "") -> Response:
    place = imports()
    waiting, clients = place.names(), dag_settings.connections()
    return page(
        request,
        "import.html",
        422 if wrong or key else 200,
        dag=IMPORT,
        folder=place.folder,
        waiting=waiting,
        results=[(name, _mark(name)) for name in place.names(results=True)],
        stored=next((name for name in waiting if _mark(name) == stored), ""),
        wrong=wrong,
        wrong_key=key,
        clients=clients if len(clients) > 1 else (),
        columns=COLUMNS,
        required=REQUIRED,
    )
