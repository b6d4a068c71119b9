"""The routes of Client Connect: consent page, token endpoint, key set.

``login_hint`` names the visitor, without a password. A browser stays logged in as its last holder unless
``prompt=login`` is asked for (OpenID Connect Core, 3.1.2.1). An unknown client or redirect URI gets an error page.
"""

from __future__ import annotations

from datetime import date
from urllib.parse import quote, unquote

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, current_app, g, render_template, request
from werkzeug.datastructures import MultiDict

from include.sandbox.adict import answers, identity
from include.sandbox.adict.access import rights
from include.sandbox.adict.access.rights import Terms
from include.sandbox.adict.client_connect import oauth
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


def _server() -> oauth.Server:
    found: oauth.Server = current_app.extensions["sandbox_oauth"]
    return found


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorize() -> Response | tuple[str, int]:
    """Show the consent page, or handle the answer."""
    server, at = _server(), world()
    g.client_id = request.args.get("client_id")
    try:
        grant = server.get_consent_grant(end_user=None)
        oauth.check_connect_request(request.args)
    except OAuth2Error as error:
        if error.redirect_uri:
            answer: Response = server.handle_error_response(None, error)
            return answer
        return render_template("refused.html", reason=error.description or error.error), 400
    hint = request.args.get("login_hint", "")
    if "login" not in request.args.get("prompt", "").split():
        hint = unquote(request.cookies.get(SESSION, "")) or hint
    holder = meters.holder_of(hint)
    if request.method == "GET":
        return _page(holder, _proposal(at, holder), problem=False), 200
    grantor = None
    if request.form.get("action") != "refuser":
        try:
            pces, terms = _read_form(at, request.form)
        except ValueError:
            return _page(holder, request.form, problem=True), 422
        made = rights.consent(at.store, pces, holder, terms, at.now(), company=identity.company_of(g.client_id))
        grantor = oauth.Grantor(holder.email, tuple(right["id_droit_acces"] for right in made))
    back: Response = server.create_authorization_response(grant_user=grantor, grant=grant)
    if grantor:
        back.set_cookie(SESSION, quote(hint), path=identity.REALM_PATH, httponly=True, samesite="Lax")
    return back


def _proposal(at: World, holder: meters.Holder) -> MultiDict[str, str]:
    usual = Terms.usual(at.today())
    proposed: dict[str, tuple[str, ...]] = {
        "pce": holder.pces,
        "perimetre": rights.PERIMETERS,
        "conso_debut": (usual.data_first.isoformat(),),
        "conso_fin": (usual.data_end.isoformat(),),
    }
    return MultiDict(proposed)


def _page(holder: meters.Holder, values: MultiDict[str, str], *, problem: bool) -> str:
    return render_template(
        "authorize.html",
        holder=holder,
        company=identity.company_of(request.args.get("client_id")) or identity.COMPANY,
        labels=LABELS,
        chosen=values.getlist("pce"),
        perimeters=values.getlist("perimetre"),
        values=values,
        problem=problem,
    )


def _read_form(at: World, form: MultiDict[str, str]) -> tuple[list[str], Terms]:
    """Return the chosen meters and terms; ``ValueError`` if they make no sense."""
    pces = list(dict.fromkeys([*form.getlist("pce"), *form.get("autre_pce", "").replace(",", " ").split()]))
    chosen = tuple(name for name in rights.PERIMETERS if name in form.getlist("perimetre"))
    first, end = (date.fromisoformat(form.get(name, "")) for name in ("conso_debut", "conso_fin"))
    if not (pces and all(map(meters.find_meter, pces)) and chosen and first < end):
        raise ValueError
    usual = Terms.usual(at.today())
    return pces, Terms(chosen, first, end, usual.right_first, usual.right_last)


@blueprint.post("/access_token")
def access_token() -> Response:
    """Return a token for either grant."""
    g.client_id, g.grant = request.form.get("client_id"), request.form.get("grant_type")
    answer: Response = _server().create_token_response()
    return answer


@blueprint.get("/connect/jwk_uri")
def jwk_uri() -> Response:
    """Return the public key for RS256."""
    return answers.body(oauth.public_keys(world().store))
