"""The application that Airflow's API server mounts."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from grdf.page.account import account_page as account
from grdf.page.city import city_page
from grdf.page.connect import client_connect, connect_page, household_page, progress_page
from grdf.page.connect.opener import ConnectionStopped
from grdf.page.fleet import fleet_page as fleet
from grdf.page.guard import Guard, guard
from grdf.page.html import render
from grdf.page.list import list_page as accounts
from grdf.page.security import login_url
from grdf.page.uploads import import_page, proofs_page
from include.gas.errors import AccountLeaving, BadAccount, GasError, GrantRefused, RetryLater

log = logging.getLogger(__name__)

ROUTERS = (
    render.router,
    fleet.router,
    city_page.router,
    accounts.router,
    account.router,
    connect_page.router,
    client_connect.router,
    progress_page.router,
    household_page.router,
    import_page.router,
    proofs_page.router,
)
"""Every route depends on ``security``; ``tests/connect/test_routes.py`` has a row for each."""


def create_app() -> FastAPI:
    """Create the application, without ``/docs`` and ``/openapi.json``, which anybody could read."""
    # No redirects for a slash too many: they trust the request's host, with a query that may be secret.
    app = FastAPI(title="Gas accounts", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(ConnectionStopped, _stopped)
    app.add_exception_handler(GasError, _gas_error)
    app.add_exception_handler(Exception, _mistake)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if not render.wants_page(request):
        return JSONResponse({"detail": error.detail}, status, error.headers)
    key = f"error.{status}" if f"error.{status}.title" in render.texts_for(request) else "error.400"
    login = login_url(request) if status == 401 else None
    answer = render.problem(request, status, key, ((login, "error.401.login"),) if login else _ways_on(request, status))
    answer.headers.update(error.headers or {})
    return answer


def _misunderstood(request: Request, _: Exception) -> Response:
    return _refused(request, HTTPException(422, "this is not what the page asks for"))


def _stopped(request: Request, error: Exception) -> Response:
    assert isinstance(error, ConnectionStopped)
    return render.problem(request, error.status, error.key, _again(request, error.again), cause=error.cause)


def _again(request: Request, address: str = "") -> render.Links:
    address = address or getattr(request.state, "again", "")
    return ((address, "connect.again"),) if address else ()


def _ways_on(request: Request, status: int) -> render.Links:
    """Return the links of an error page: try again, where that may help, and back to the accounts, for operators."""
    again = request.method == "GET" and status >= 500
    return (("", "error.again"),) * again + render.home_link(request)


def _gas_error(request: Request, error: Exception) -> Response:
    """Respond to an error of ours, in full only to users: it names servers and settings."""
    log.warning("The page Gas accounts could not answer. %s", error)
    again, later = _again(request), isinstance(error, RetryLater)
    trusted = getattr(request.state, "logged_in", False) and not getattr(request.state, "household", False)
    if isinstance(error, GrantRefused):
        return render.problem(request, 400, "connect.code_refused", again)
    if later and (again or not trusted):  # its text mentions a retry, which does not happen here
        return render.problem(request, 503, "connect.down", again)
    if not trusted:
        return render.problem(request, 503, "connect.our_side", again)
    status = 503 if later else 409 if isinstance(error, BadAccount | AccountLeaving) else 500
    if not render.wants_page(request):
        return JSONResponse({"detail": str(error)}, status)
    return render.problem(request, status, "error.gas", again or _ways_on(request, status), cause=str(error))


def _mistake(request: Request, _: Exception) -> Response:
    """Respond to an unexpected exception. Starlette logs it, and sends this past all middleware."""
    answer = _refused(request, HTTPException(500, "error"))
    guard(answer.headers)
    return answer
