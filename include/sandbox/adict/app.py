"""The Flask application: ADICT, Client Connect and the control API around one state."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from . import answers, connect_pages, control_api, data_api, gate, identity, journal, oauth, rights_api
from .paris import civil_day
from .real import shift_for
from .store import Store
from .world import World

_CONTROL = "/sandbox/"


def open_world(
    data: Path,
    port: int,
    redirect_uris: tuple[str, ...] = (identity.DEFAULT_REDIRECT_URI,),
    now: datetime | None = None,
) -> World:
    """Open the state in a folder, made on the first start together with the real household's shift.

    :param data: the folder; made when missing.
    :param port: TCP port that the server listens on.
    :param redirect_uris: exact redirect URIs of the data client.
    :param now: aware instant to set the clock to; None leaves it as it last was.
    :raises OSError: when the folder cannot be made.
    :raises sqlite3.Error: when the state file cannot be used.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    at = World(Store(data / "adict.sqlite3"), port, redirect_uris)
    if now is not None:
        at.set_clock(now)
    if at.store.get("real_shift_years") is None:
        at.store.put("real_shift_years", shift_for(civil_day(at.now())))
    return at


def make_app(at: World) -> Flask:
    """Build the application.

    :param at: the open world.
    """
    # Authlib refuses plain HTTP unless told; the sandbox speaks it on loopback only.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = Flask(__name__)
    app.url_map.merge_slashes = False  # /pce//donnees_... must reach its own refusal
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
    app.extensions["sandbox"] = at
    app.extensions["sandbox_oauth"] = oauth.Server()
    pace = app.extensions["sandbox_pace"] = gate.Pace()

    @app.before_request
    def before() -> Response | None:
        if request.path.startswith(_CONTROL):
            return None
        fault = gate.take_fault(at, after=False)
        if fault and (answer := gate.strike(fault)):
            return answer
        return gate.refuse(at, pace) if request.path.startswith(identity.API_PATH + "/") else None

    @app.after_request
    def after(answer: Response) -> Response:
        if request.path.startswith(_CONTROL):
            return answer
        fault = gate.take_fault(at, after=True)
        if fault and (instead := gate.strike(fault)):
            answer = instead
        journal.note(at, answer)
        return answer

    @app.errorhandler(HTTPException)
    def no_such_page(error: HTTPException) -> Response:
        return answers.gateway_error(f"{error.name} : {request.path}", error.code or 500)

    for part in (connect_pages, data_api, rights_api, control_api):
        app.register_blueprint(part.blueprint)
    return app
