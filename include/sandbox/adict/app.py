"""The Flask application: ADICT, Client Connect and the control API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from include.sandbox.adict import answers, control_api, data_api, identity
from include.sandbox.adict.access import mailbox, proofs, rights_api
from include.sandbox.adict.client_connect import connect_pages, oauth
from include.sandbox.adict.gateway import gate, request_log
from include.sandbox.adict.meter_data.real import shift_for
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World

_CONTROL = "/sandbox/"


def open_world(data: Path, port: int, redirect_uris: tuple[str, ...]) -> World:
    """Open the state in a folder; the first start fixes the real household's shift."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    at = World(Store(data / "adict.sqlite3"), port, redirect_uris)
    if at.store.get("real_shift_years") is None:
        at.store.put("real_shift_years", shift_for(at.today()))
    return at


def make_app(at: World) -> Flask:
    """Return the application for an open world."""
    # Plain HTTP, on loopback only.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = Flask(__name__)
    app.extensions["sandbox"] = at
    app.extensions["sandbox_oauth"] = oauth.Server()
    pace = app.extensions["sandbox_pace"] = gate.Pace()

    @app.before_request
    def before() -> Response | None:
        if request.path.startswith(_CONTROL):
            return None
        if struck := gate.apply_fault(at, after=False):
            return struck
        return gate.refuse(at, pace) if request.path.startswith(identity.API_PATH + "/") else None

    @app.after_request
    def after(answer: Response) -> Response:
        if request.path.startswith(_CONTROL):
            return answer
        answer = gate.apply_fault(at, after=True) or answer
        request_log.log_request(at, answer)
        return answer

    @app.errorhandler(HTTPException)
    def no_such_page(error: HTTPException) -> Any:
        return error.response or answers.gateway_error(f"{error.name} : {request.path}", error.code or 500)

    for part in (connect_pages, data_api, rights_api, proofs, control_api, mailbox):
        app.register_blueprint(part.blueprint)
    return app
