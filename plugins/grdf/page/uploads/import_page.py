"""``/import/``: upload, import, fetch the result. File names may name a person, so they stand in queries alone."""

from __future__ import annotations

import logging
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.page.html.render import page, texts_for
from grdf.page.list.shared_mirrors import account_mirror, couchdb
from grdf.page.security import IMPORT, Visitor, may_import, visible_accounts
from grdf.page.uploads.upload_reading import read_uploads
from grdf.staging.imports import Imports
from grdf.stores.group_store import GroupStore
from include.gas.city.groups import read_group_file
from include.gas.errors import BadRequest
from include.gas.importing.csv_file import KINDS, check_name, kind_of
from include.gas.importing.line_check import read_result

log = logging.getLogger(__name__)
router = APIRouter()
MOST_LINES = 20
"""Lines of a result on the page; its file has all."""
ImporterDep = Annotated[Visitor, Depends(may_import)]


@router.get("/import/")
def show(request: Request, _: ImporterDep, stored: str = "") -> Response:
    """List the waiting files and the results."""
    return _page(request, stored=stored)


@router.post("/import/upload")
async def upload(request: Request, visitor: ImporterDep) -> Response:
    """Store a file with households or buildings, or assign the groups in it."""
    files = await read_uploads(request)
    if len(files) != 1:
        return await run_in_threadpool(_page, request, wrong=texts_for(request)("import.one_file"))
    ((name, content),) = files
    try:
        if kind_of(content) == "groups":
            return await run_in_threadpool(_assign_groups, request, visitor, content)
        lines = await run_in_threadpool(_imports().upload, name, content)
    except BadRequest as error:
        return await run_in_threadpool(_page, request, wrong=str(error))
    log.info("%s uploaded a CSV file with %d line(s).", visitor.name, lines)
    return RedirectResponse(f"{request.scope['root_path']}/import/?{urlencode({'stored': name})}", 303)


@router.post("/import/remove")
def remove(request: Request, visitor: ImporterDep, name: Annotated[str, Form()] = "") -> Response:
    """Remove a file that is not to be imported."""
    try:
        _imports().remove(check_name(name))
    except BadRequest as error:
        return _page(request, wrong=str(error))
    log.info("%s removed a CSV file that was not to be imported.", visitor.name)
    return RedirectResponse(f"{request.scope['root_path']}/import/", 303)


@router.get("/import/result")
def result(_: ImporterDep, name: str = "") -> Response:
    """Return the result of an import, a CSV file without personal data."""
    place = _imports()
    content = place.content(name) if name in place.waiting(results=True) else None
    if content is None:
        raise HTTPException(404, "no such result")
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=kept)


def _imports() -> Imports:
    return Imports(settings.staging_url())


def _assign_groups(request: Request, visitor: Visitor, content: bytes) -> Response:
    """Assign the groups in a file to the accounts that the visitor may see."""
    found, wrong = read_group_file(content)
    seen = visible_accounts(visitor, account_mirror().lines().keys() & found.keys())
    moved = GroupStore(couchdb()).assign_groups({account: found[account] for account in seen})
    log.info("%s assigned groups to %d account(s).", visitor.name, len(seen))
    return _page(request, assigned=len(seen), moved=moved, unknown=len(found) - len(seen), wrong_lines=wrong)


def _page(request: Request, *, stored: str = "", wrong: str = "", **more: object) -> Response:
    place = _imports()
    waiting = place.waiting()
    return page(
        request,
        "import.html",
        422 if wrong else 200,
        dag=IMPORT,
        folder=place.url,
        waiting={name: kind_of(place.content(name) or b"") == "buildings" for name in waiting},
        results=[(name, read_result(place.content(name) or b"")) for name in place.waiting(results=True)],
        most_lines=MOST_LINES,
        stored=stored if stored in waiting else "",
        wrong=wrong,
        columns=KINDS,
        **more,
    )
