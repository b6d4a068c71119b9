"""The routes of Client Connect: the consent page, the token endpoint and the key set.

Without ``login_hint``, the page first asks which demo holder the visitor is. There is no password. Once a holder has
consented in a browser, that browser stays logged in as this holder, whatever the hint says, unless the third party asks
for ``prompt=login`` (OpenID Connect Core, 3.1.2.1). For an unknown client or redirect URI, an error page is shown, and
the browser is never redirected.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote, unquote

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, current_app, g, render_template, request
from werkzeug.datastructures import MultiDict

from include.sandbox.adict import answers, identity
from include.sandbox.adict.access import rights
from include.sandbox.adict.access.rights import Terms
from include.sandbox.adict.client_connect import keys
from include.sandbox.adict.client_connect.oauth import Grantor, Server, check_connect_request
from include.sandbox.adict.meter_data import meters
from include.sandbox.adict.world import World, world

blueprint = Blueprint("connect", __name__, url_prefix=identity.REALM_PATH)
SESSION = "sandbox_holder"
LABELS = {
    "publiees": ("Données publiées", "les consommations facturées", "published data, as billed"),
    "informatives": ("Données informatives", "les consommations jour par jour", "informative data, day by day"),
    "contractuelles": ("Données contractuelles", "tarif, consommation de référence", "contract data"),
    "techniques": ("Données techniques", "le compteur et son emplacement", "technical data"),
}


def _server() -> Server:
    found: Server = current_app.extensions["sandbox_oauth"]
    return found


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorize() -> Response | tuple[str, int]:
    """Show the consent page, or handle the holder's answer."""
    server = _server()
    g.client_id = request.args.get("client_id")
    try:
        grant = server.get_consent_grant(end_user=None)
        check_connect_request(request.args)
    except OAuth2Error as error:
        if error.redirect_uri:
            answer: Response = server.handle_error_response(None, error)
            return answer
        return render_template("refused.html", reason=error.description or error.error), 400
    hint = request.args.get("login_hint", "")
    if "login" not in request.args.get("prompt", "").split():
        hint = unquote(request.cookies.get(SESSION, "")) or hint
    holder = meters.holder_of(hint)
    if holder is None:
        return _who_are_you()
    at = world()
    if request.method == "GET":
        return _page(at, holder, _proposal(at, holder), ""), 200
    if request.form.get("action") == "refuser":
        return _answer(server, None, grant)
    pces, terms, problem = _read_form(at, request.form)
    if terms is None:
        return _page(at, holder, request.form, problem), 422
    company = identity.company_of(g.client_id)
    made = rights.consent(at.store, pces, holder, terms, at.now(), company=company)
    back = _answer(server, Grantor(holder.email, tuple(right["id_droit_acces"] for right in made)), grant)
    back.set_cookie(SESSION, quote(hint), path=identity.REALM_PATH, httponly=True, samesite="Lax")
    return back


def _answer(server: Server, grantor: Grantor | None, grant: Any) -> Response:
    answer: Response = server.create_authorization_response(grant_user=grantor, grant=grant)
    return answer


def _who_are_you() -> tuple[str, int]:
    choices = [
        (f"{h.first_name} {h.last_name}", f"{h.first_name};{h.last_name};{h.email};{identity.COMPANY}", len(h.pces))
        for h in meters.DEMO_HOLDERS
    ]
    return render_template("holder.html", choices=choices, query=request.args), 200


def _proposal(at: World, holder: meters.Holder) -> MultiDict[str, str]:
    usual = Terms.usual(at.today())
    return MultiDict(
        [
            *(("pce", pce) for pce in holder.pces),
            *(("perimetre", name) for name in rights.PERIMETERS),
            ("conso_debut", usual.data_first.isoformat()),
            ("conso_fin", usual.data_end.isoformat()),
        ]
    )


def _page(at: World, holder: meters.Holder, values: MultiDict[str, str], problem: str) -> str:
    return render_template(
        "authorize.html",
        holder=holder,
        company=identity.company_of(request.args.get("client_id")) or identity.COMPANY,
        labels=LABELS,
        chosen=values.getlist("pce"),
        perimeters=values.getlist("perimetre"),
        values=values,
        problem=problem,
        today=at.today(),
    )


def _read_form(at: World, form: MultiDict[str, str]) -> tuple[list[str], Terms | None, str]:
    """Parse the holder's answer. Return the meters, the terms and a problem; without terms if there is a problem."""
    pces = list(dict.fromkeys([*form.getlist("pce"), *form.get("autre_pce", "").replace(",", " ").split()]))
    unknown = [pce for pce in pces if meters.find(pce) is None]
    chosen = tuple(name for name in rights.PERIMETERS if name in form.getlist("perimetre"))
    if unknown:
        return [], None, f"Point de comptage inconnu : {', '.join(unknown)}."
    if not pces:
        return [], None, "Choisissez au moins un point de comptage."
    if not chosen:
        return [], None, "Choisissez au moins une catégorie de données."
    try:
        first, end = (date.fromisoformat(form.get(name, "")) for name in ("conso_debut", "conso_fin"))
    except ValueError:
        return [], None, "Indiquez les deux dates, sous la forme AAAA-MM-JJ."
    if first >= end:
        return [], None, "La première date doit précéder la seconde."
    usual = Terms.usual(at.today())
    return pces, Terms(chosen, first, end, usual.right_first, usual.right_last), ""


@blueprint.post("/access_token")
def access_token() -> Response:
    """Return a token for either grant."""
    g.client_id, g.grant = request.form.get("client_id"), request.form.get("grant_type")
    answer: Response = _server().create_token_response()
    return answer


@blueprint.get("/connect/jwk_uri")
def jwk_uri() -> Response:
    """Return the public key for verifying ``id_token`` signed with RS256."""
    return answers.body(keys.public_keys(world().store))
