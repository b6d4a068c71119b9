"""The control API under ``/sandbox/``, with which tests and the demo control GRDF, the clock and the holders.

It only answers requests to loopback names (see ``loopback``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import mailbox, proofs, rights
from include.sandbox.adict.gateway import gate, journal
from include.sandbox.adict.loopback import loopback_only
from include.sandbox.adict.meter_data import meters, quirks, readings, real
from include.sandbox.adict.world import DEFAULTS, World, world

blueprint = Blueprint("control", __name__, url_prefix="/sandbox")


class BadOrder(ValueError):
    """The request to the control API is invalid. The text says why."""


@blueprint.errorhandler(BadOrder)
@blueprint.errorhandler(ValueError)
def _bad_order(error: ValueError) -> Response:
    return answers.body({"error": str(error)}, 400)


blueprint.before_request(loopback_only)


def _order() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadOrder("send a JSON object with Content-Type application/json")
    return found


def _meter(pce: str) -> meters.Meter:
    if (meter := meters.find(pce)) is None:
        raise BadOrder(f"no meter {pce}; synthetic ones are 0999999 + 7 digits or GI999 + 3 digits")
    return meter


@blueprint.get("/health")
def health() -> Response:
    """Report that the sandbox is ready."""
    return answers.body({"ready": True, "today": world().today().isoformat()})


@blueprint.get("/facts")
def facts() -> Response:
    """Return the connection facts, including the secrets, which are all invented."""
    at = world()
    return answers.body(identity.connection_facts(at.port, at.redirect_uris[0]))


@blueprint.get("/clock")
def clock() -> Response:
    """Return the time of the sandbox's clock, and whether it has been moved."""
    at = world()
    moved = bool(at.store.get("clock_offset_s", 0.0))
    return answers.body({"now": at.now().isoformat(), "today": at.today().isoformat(), "moved": moved})


@blueprint.post("/clock")
def set_clock() -> Response:
    """Set the clock: ``{"now": ISO time or null}``. It keeps ticking. A time without an offset is Paris time."""
    text = _order().get("now")
    instant = None if text is None else datetime.fromisoformat(text)
    if instant is not None and instant.tzinfo is None:
        instant = instant.replace(tzinfo=paris.PARIS)
    world().set_clock(None if instant is None else instant.astimezone(UTC))
    return clock()


@blueprint.get("/meters")
def list_meters() -> Response:
    """Return the demo holders' meters and all others with a right, a quirk or a correction."""
    at = world()
    known = [pce for holder in meters.DEMO_HOLDERS for pce in holder.pces]
    for table in ("rights", "quirks", "corrections"):
        known += [pce for (pce,) in at.store.rows(f"SELECT DISTINCT pce FROM {table} ORDER BY pce")]
    return answers.body([_describe(at, pce) for pce in dict.fromkeys(known)])


def _describe(at: World, pce: str) -> dict[str, Any]:
    meter, holder, oddities = _meter(pce), meters.known_holder(pce), quirks.read(at.store, pce)
    continues = at.setting("real_continues")
    days = real.continued_days(at.shift_years, at.today()) if continues else real.real_days(at.shift_years)
    return {
        "pce": pce,
        "kind": meter.kind,
        "holder": f"{holder.first_name} {holder.last_name}",
        "login_hint": f"{holder.first_name};{holder.last_name};{holder.email};{identity.COMPANY}",
        "frequency": oddities.get("frequency", "1M"),
        "postcode": meter.postcode,
        "quirks": oddities,
        "rights": [[right["id_droit_acces"], right["etat_droit_acces"]] for right in rights.of_meter(at.store, pce)],
        "first_day": days[0].day.isoformat() if meter.kind == "real" else "2016-01-01",
        "last_day": days[-1].day.isoformat() if meter.kind == "real" else None,
        "shift_years": at.shift_years if meter.kind == "real" else None,
    }


@blueprint.get("/meters/<pce>/days")
def days(pce: str) -> Response:
    """Return what GRDF currently says, one row per day from ``from`` (inclusive) to ``to`` (exclusive).

    ``present`` means that the day has a usable energy now. ``readable`` also means that a call made now returns it: the
    right is active and covers daily data, the day is inside the consent's window and less than three years old, and no
    refusal is set. An ideal client of this meter has exactly the readable days, plus days that it read before a right
    ended.
    """
    at = world()
    meter = _meter(pce)
    first, end = (date.fromisoformat(request.args.get(name, "")) for name in ("from", "to"))
    oddities = quirks.read(at.store, pce)
    allowed, refusal = rights.decide(rights.of_meter(at.store, pce), "informatives", at.today())
    open_ = refusal is None and not oddities.get("refusal")
    oldest = paris.years_before(at.today(), 3)
    frequency = oddities.get("frequency", "1M")
    told = {
        day.day: day for day in readings.days_now(at.store, meter, first, end, at.now(), frequency=frequency, **at.real)
    }
    rows = []
    for day in _each_day(first, end):
        found = told.get(day)
        present = found is not None and found.energy is not None and not quirks.unusable(oddities, day)
        rows.append(
            {
                "day": day.isoformat(),
                "energie": found.energy if found and present else None,
                "statut_conso": found.status if found else None,
                "type_qualif_conso": found.quality if found else None,
                "present": present,
                "readable": present and open_ and oldest <= day < at.today() and rights.covers(allowed, day),
            }
        )
    return answers.body(rows)


def _each_day(first: date, end: date) -> Iterator[date]:
    while first < end:
        yield first
        first += timedelta(days=1)


@blueprint.post("/meters/<pce>/corrections")
def correct(pce: str) -> Response:
    """Make GRDF correct a day: ``{"day", "energie": kWh or null to withdraw it, "qualif": "Corrigé"}``."""
    at, order = world(), _order()
    _meter(pce)
    day, energy = date.fromisoformat(str(order.get("day"))), order.get("energie")
    if energy is not None and (isinstance(energy, bool) or not isinstance(energy, int | float) or energy < 0):
        raise BadOrder("energie is kWh, 0 or more, or null to withdraw the day")
    quality = str(order.get("qualif") or readings.CORRECTED)
    at.store.run("INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?)", pce, day.isoformat(), energy, quality)
    return answers.body({"pce": pce, "day": day.isoformat(), "energie": energy, "qualif": quality})


@blueprint.delete("/meters/<pce>/corrections")
def uncorrect(pce: str) -> Response:
    """Undo all corrections of a meter."""
    return answers.body({"removed": world().store.run("DELETE FROM corrections WHERE pce = ?", pce)})


@blueprint.get("/meters/<pce>/quirks")
def read_quirks(pce: str) -> Response:
    """Return a meter's quirks."""
    return answers.body(quirks.read(world().store, _meter(pce).pce))


@blueprint.post("/meters/<pce>/quirks")
def set_quirks(pce: str) -> Response:
    """Replace a meter's quirks; ``{}`` clears them."""
    quirks.write(world().store, _meter(pce).pce, _order())
    return read_quirks(pce)


@blueprint.get("/consents")
def list_consents() -> Response:
    """Return all access rights, oldest first."""
    return answers.body(rights.every(world().store))


@blueprint.post("/consents")
def consent() -> Response:
    """Create access rights without the redirects of Client Connect.

    The body is ``{"pces", "perimeters"?, "conso_debut"?, "conso_fin"?, "droit_debut"?, "droit_fin"?, "keep_others"?,
    "company"?, "fields"? (fields of the right to set)}``.
    """
    at, order = world(), _order()
    pces = [_meter(str(pce)).pce for pce in order.get("pces") or []]
    usual = rights.Terms.usual(at.today(), order.get("perimeters") or rights.PERIMETERS)
    terms = rights.Terms(
        usual.perimeters,
        _day(order, "conso_debut", usual.data_first),
        _day(order, "conso_fin", usual.data_end),
        _day(order, "droit_debut", usual.right_first),
        _day(order, "droit_fin", usual.right_last),
    )
    keep_others, company = bool(order.get("keep_others")), order.get("company") or identity.COMPANY
    made = rights.consent(at.store, pces, None, terms, at.now(), keep_others=keep_others, company=company)
    return answers.body([_with_fields(at, right, order.get("fields") or {}) for right in made], 201)


def _day(order: dict[str, Any], name: str, usual: date) -> date:
    return date.fromisoformat(order[name]) if order.get(name) else usual


def _with_fields(at: World, right: rights.Right, fields: dict[str, Any]) -> rights.Right:
    if unknown := set(fields) - (set(right) - {"id_droit_acces", "id_pce"}):
        raise BadOrder(f"unknown field {sorted(unknown)} of a right")
    changed = right | fields
    rights.save(at.store, changed)
    return changed


def _right(right_id: str) -> rights.Right:
    if (right := rights.find(world().store, right_id)) is None:
        raise BadOrder(f"no right {right_id}")
    return right


@blueprint.delete("/consents")
def drop_consents() -> Response:
    """Forget all access rights, as if nobody had ever consented."""
    world().store.run("DELETE FROM proofs")
    return answers.body({"removed": world().store.run("DELETE FROM rights")})


@blueprint.patch("/consents/<right_id>")
def change_consent(right_id: str) -> Response:
    """Set fields of an access right, such as ``etat_droit_acces`` or ``statut_controle_preuve``."""
    return answers.body(_with_fields(world(), _right(right_id), _order()))


@blueprint.post("/consents/<right_id>/revoke")
def revoke(right_id: str) -> Response:
    """Revoke an access right: ``{"by": "holder" | "third party" | "grdf"}``."""
    at, by = world(), str(_order().get("by", "holder"))
    if by not in rights.SOURCES:
        raise BadOrder(f"by is one of {sorted(rights.SOURCES)}")
    return answers.body(rights.revoke(at.store, _right(right_id), rights.SOURCES[by], at.now()))


@blueprint.post("/consents/<right_id>/answer")
def answer(right_id: str) -> Response:
    """Let the holder answer about a declared right at once, before any mail: ``{"accept": true}``."""
    at, accept = world(), _order().get("accept")
    if not isinstance(accept, bool):
        raise BadOrder("accept is true or false")
    return answers.body(mailbox.answer(at.store, _right(right_id), at.now(), accept=accept))


@blueprint.post("/consents/<right_id>/proof")
def ask_proof(right_id: str) -> Response:
    """Ask for the proof of a right, or decide about it.

    The body is ``{"until": day}``, ``{"until": null}`` to take the question back, or ``{"accept": true or false}``.
    """
    order = _order()
    if "until" in order:
        until = date.fromisoformat(order["until"]) if order["until"] else None
        return answers.body(proofs.ask(world().store, _right(right_id), until))
    if not isinstance(order.get("accept"), bool):
        raise BadOrder("give until, a day or null; or accept, true or false")
    return answers.body(proofs.decide(world().store, _right(right_id), accept=order["accept"]))


@blueprint.get("/consents/<right_id>/proof")
def received_proofs(right_id: str) -> Response:
    """Return the files that were received as proofs of a right, with their content in base64."""
    return answers.body(proofs.received(world().store, right_id))


@blueprint.get("/log")
def log() -> Response:
    """Return the entries of the request log after number ``since``."""
    return answers.body(journal.since(world(), int(request.args.get("since", 0))))


@blueprint.delete("/log")
def clear_log() -> Response:
    """Empty the request log."""
    journal.clear(world())
    return answers.body({})


@blueprint.get("/settings")
def settings() -> Response:
    """Return all settings, and the shift of the real household."""
    at = world()
    return answers.body({name: at.setting(name) for name in DEFAULTS} | {"real_shift_years": at.shift_years})


@blueprint.post("/settings")
def set_settings() -> Response:
    """Change some settings."""
    at, order = world(), _order()
    if unknown := set(order) - set(DEFAULTS):
        raise BadOrder(f"unknown setting {sorted(unknown)}; known: {sorted(DEFAULTS)}")
    if order.get("id_token_alg", "HS256") not in ("HS256", "RS256"):
        raise BadOrder("id_token_alg is HS256 or RS256")
    for name in ("calls_per_second", "calls_per_day"):
        if order.get(name) is not None and not order[name] > 0:
            raise BadOrder(f"{name} is above 0, or null for no limit")
    if not order.get("unanswered_days", 1) > 0:
        raise BadOrder("unanswered_days is above 0")
    for fault in order.get("faults", []):
        try:
            re.compile(fault["path"])
        except (KeyError, TypeError, re.error) as error:
            raise BadOrder("each fault needs a path that is a regular expression") from error
    for name, value in order.items():
        at.store.put(name, value)
    return settings()


@blueprint.delete("/tokens")
def drop_tokens() -> Response:
    """Forget all access tokens, so that the next call with one of them gets a 401."""
    return answers.body({"removed": world().store.run("DELETE FROM tokens")})


@blueprint.delete("/calls")
def drop_calls() -> Response:
    """Reset the quota's counters to zero."""
    pace: gate.Pace = current_app.extensions["sandbox_pace"]
    pace.reset(world())
    return answers.body({})
