"""The control API under ``/sandbox/``, for tests and the demo."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, current_app, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import mailbox, proofs, rights
from include.sandbox.adict.gateway import gate, request_log
from include.sandbox.adict.meter_data import meters, quirks, readings
from include.sandbox.adict.world import DEFAULTS, world

blueprint = Blueprint("control", __name__, url_prefix="/sandbox")


@blueprint.errorhandler(KeyError)
@blueprint.errorhandler(ValueError)
def bad_order(error: Exception) -> Response:
    """Refuse an order that makes no sense."""
    return answers.body({"error": str(error)}, 400)


def _order() -> dict[str, Any]:
    return dict(request.get_json())


def _meter(pce: str) -> meters.Meter:
    if (meter := meters.find_meter(pce)) is None:
        raise ValueError(f"no meter {pce}; synthetic ones are 0999999 + 7 digits or GI999 + 3 digits")
    return meter


def _right(right_id: str) -> rights.Right:
    if (right := rights.find_right(world().store, right_id)) is None:
        raise ValueError(f"no right {right_id}")
    return right


def _only(known: Any, given: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(given) - set(known):
        raise ValueError(f"unknown {sorted(unknown)}; known: {sorted(known)}")
    return given


@blueprint.route("/clock", methods=["GET", "POST"])
def clock() -> Response:
    """Set the clock, which ticks on, to ``{"now": ISO time with an offset, or null}``. Return its time."""
    at = world()
    if request.method == "POST":
        text = _order()["now"]
        at.set_clock(datetime.fromisoformat(text).astimezone(UTC) if text else None)
    return answers.body({"now": at.now().isoformat(), "today": at.today().isoformat()})


@blueprint.get("/meters/<pce>/days")
def days(pce: str) -> Response:
    """Return kWh by day, ``to`` excluded, for days that a call made now returns: what an ideal client has."""
    at, meter = world(), _meter(pce)
    first, end = (date.fromisoformat(request.args[name]) for name in ("from", "to"))
    odd = quirks.read_quirks(at.store, pce)
    allowed, _ = rights.decide(rights.rights_to_meter(at.store, pce), "informatives", at.today())
    first, end = max(first, paris.years_before(at.today(), 3)), min(end, at.today())
    told = readings.days_now(at.store, meter, first, end, at.now(), daily=quirks.has_daily_data(odd), **at.real)
    found = {
        each.day.isoformat(): each.energy
        for each in ([] if odd.get("refusal") else told)
        if each.energy is not None and not quirks.unusable(odd, each.day) and rights.covers(allowed, each.day)
    }
    return answers.body(found)


@blueprint.post("/meters/<pce>/corrections")
def correct(pce: str) -> Response:
    """Make GRDF correct a day: ``{"day", "energie": kWh or null to withdraw it, "qualif": "Corrigé"}``."""
    order = _order()
    day = date.fromisoformat(order["day"]).isoformat()
    values = (_meter(pce).pce, day, order["energie"], order["qualif"])
    world().store.run("INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?)", *values)
    return answers.body({})


@blueprint.delete("/meters/<pce>/corrections")
def uncorrect(pce: str) -> Response:
    """Undo all corrections of a meter."""
    world().store.run("DELETE FROM corrections WHERE pce = ?", pce)
    return answers.body({})


@blueprint.post("/meters/<pce>/quirks")
def set_quirks(pce: str) -> Response:
    """Replace a meter's quirks; ``{}`` clears them."""
    quirks.write_quirks(world().store, _meter(pce).pce, _only(quirks.KEYS, _order()))
    return answers.body({})


@blueprint.get("/consents")
def list_consents() -> Response:
    """Return all access rights, oldest first."""
    return answers.body(rights.all_rights(world().store))


@blueprint.post("/consents")
def consent() -> Response:
    """Create access rights without Client Connect.

    The body is ``{"pces", "perimeters"?, "conso_debut"?, "conso_fin"?, "droit_debut"?, "droit_fin"?, "keep_others"?,
    "company"?, "fields"?}``.
    """
    at, order = world(), _order()
    pces = [_meter(pce).pce for pce in order["pces"]]
    usual = rights.Terms.usual(at.today())
    proposed = {
        "conso_debut": usual.data_first,
        "conso_fin": usual.data_end,
        "droit_debut": usual.right_first,
        "droit_fin": usual.right_last,
    }
    chosen = [date.fromisoformat(order[name]) if order.get(name) else day for name, day in proposed.items()]
    terms = rights.Terms(tuple(order.get("perimeters") or rights.PERIMETERS), *chosen)
    keep_others, company = bool(order.get("keep_others")), order.get("company") or identity.COMPANY
    made = rights.consent(at.store, pces, None, terms, at.now(), keep_others=keep_others, company=company)
    return answers.body([_with_fields(right, order.get("fields") or {}) for right in made], 201)


def _with_fields(right: rights.Right, fields: dict[str, Any]) -> rights.Right:
    return rights.save_right(world().store, right | _only(right, fields))


@blueprint.post("/contracts")
def own_contracts() -> Response:
    """Create the rights of a third party's own contracts: ``{"pces", "company"?, "injection"?}``."""
    at, order = world(), _order()
    company, injection = order.get("company") or identity.COMPANY, bool(order.get("injection"))
    made = [rights.own_contract(_meter(pce).pce, at.now(), company, injection=injection) for pce in order["pces"]]
    return answers.body([rights.save_right(at.store, right) for right in made], 201)


@blueprint.delete("/consents")
def drop_consents() -> Response:
    """Forget all access rights."""
    for table in ("proofs", "rights"):
        world().store.run(f"DELETE FROM {table}")
    return answers.body({})


@blueprint.patch("/consents/<right_id>")
def change_consent(right_id: str) -> Response:
    """Set fields of an access right, such as ``etat_droit_acces`` or ``statut_controle_preuve``."""
    return answers.body(_with_fields(_right(right_id), _order()))


@blueprint.post("/consents/<right_id>/revoke")
def revoke(right_id: str) -> Response:
    """Revoke an access right: ``{"by": "holder" | "third party" | "grdf"}``."""
    at = world()
    return answers.body(rights.revoke(at.store, _right(right_id), rights.SOURCES[_order()["by"]], at.now()))


@blueprint.post("/consents/<right_id>/answer")
def answer(right_id: str) -> Response:
    """Let the holder answer about a declared right at once, before any mail: ``{"accept": true}``."""
    at = world()
    return answers.body(mailbox.answer(at.store, _right(right_id), at.now(), accept=_order()["accept"]))


@blueprint.post("/consents/<right_id>/proof")
def ask_proof(right_id: str) -> Response:
    """Ask for a right's proof or decide: ``{"until": day}``, ``{"until": null}``, ``{"accept": true or false}``."""
    order, right = _order(), _right(right_id)
    if "until" not in order:
        proof = proofs.ACCEPTED if order["accept"] else proofs.REFUSED
        return answers.body(_with_fields(right, {"statut_controle_preuve": proof}))
    until = order["until"]
    asked = {"statut_controle_preuve": proofs.ASKED if until else None, "date_limite_transmission_preuve": until}
    return answers.body(_with_fields(right, asked))


@blueprint.get("/consents/<right_id>/proof")
def received_proofs(right_id: str) -> Response:
    """Return the received proofs of a right, content in base64."""
    return answers.body(proofs.received(world().store, right_id))


@blueprint.get("/log")
def log() -> Response:
    """Return the entries of the request log after number ``since``."""
    return answers.body(request_log.entries_since(world(), int(request.args["since"])))


@blueprint.route("/settings", methods=["GET", "POST"])
def settings() -> Response:
    """Change some settings, and return all."""
    at = world()
    for name, value in _only(DEFAULTS, _order() if request.method == "POST" else {}).items():
        at.store.put(name, value)
    return answers.body({name: at.setting(name) for name in DEFAULTS})


@blueprint.delete("/<any(log, tokens, calls):what>")
def forget(what: str) -> Response:
    """Empty the request log or the quota's counters, or invalidate all access tokens."""
    if what == "calls":
        pace: gate.Pace = current_app.extensions["sandbox_pace"]
        pace.reset(world())
    world().store.run(f"DELETE FROM {what}")
    return answers.body({})
