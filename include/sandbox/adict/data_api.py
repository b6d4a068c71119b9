"""The data endpoints of ADICT v2: windows of two dates, no filter of contracts.

Unknown at GRDF: an unknown PCE gets 404. Of a window beyond the consented one, the consented days are returned (1000008
if none). Published rows are those whose period starts in the window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, abort, g, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.meter_data import layout, lines, meters, quirks, readings
from include.sandbox.adict.meter_data.lines import Asked
from include.sandbox.adict.meter_data.meters import Meter
from include.sandbox.adict.world import world

blueprint = Blueprint("data", __name__, url_prefix=identity.API_PATH)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS: Final = {"informatives": 3, "publiees": 5, "injections": 5}
_MONTHS: Final = {"1M": 1, "6M": 6}


def _asked(years: int) -> Asked:
    """Return the request's window, or answer with the first rule that it breaks."""
    today, texts = world().today(), [request.args.get(name, "") for name in ("date_debut", "date_fin")]
    try:
        asked = Asked(*map(date.fromisoformat, texts))
    except ValueError:
        asked = None
    if asked is None or not all(map(_DATE.fullmatch, texts)):
        abort(answers.data_error(answers.BAD_DATE))
    if asked.first >= asked.end:
        abort(answers.data_error(answers.START_NOT_BEFORE_END))
    if asked.end > today:
        abort(answers.data_error(answers.END_AFTER_TODAY))
    if asked.first < paris.years_before(today, years):
        abort(answers.data_error(answers.START_TOO_OLD))
    return asked


def _meter(pce: str) -> Meter:
    """Return the meter in the URL, or answer with a refusal."""
    if identity.may_revoke(g.client_id):
        abort(answers.gateway_error("Ces identifiants ne permettent que la révocation.", 403))
    g.pce = pce
    if not meters.well_formed(pce):
        abort(answers.data_error(answers.BAD_PCE))
    return meters.find_meter(pce) or abort(answers.data_error(answers.UNKNOWN_PCE, 404))


def _decide(pce: str, perimeter: str, oddities: dict[str, Any]) -> tuple[list[rights.Right], str | None, int]:
    """Return the rights that allow the call, or the code of the refusal; and the status."""
    at = world()
    allowed, code = rights.decide(
        rights.rights_to_meter(at.store, pce, identity.company_of(g.client_id)), perimeter, at.today()
    )
    code = oddities.get("refusal") or code
    return allowed, code, at.setting("no_right_status") if code == "1000002" else 200


@blueprint.get("/pce/<pce>/donnees_<any(injections):perimeter>_publiees")
@blueprint.get("/pce/<pce>/donnees_consos_<any(informatives, publiees):perimeter>")
def consumption(pce: str, perimeter: str) -> Response:
    """Return one meter's daily or billed consumption, or what it has put into the network."""
    at, meter, asked = world(), _meter(pce), _asked(_YEARS[perimeter])
    oddities = quirks.read_quirks(at.store, pce)
    allowed, code, status = _decide(pce, perimeter, oddities)
    if code is not None:
        rows = [lines.refusal(pce, asked, code)]
    elif perimeter == "informatives":
        told = readings.days_now(
            at.store, meter, asked.first, asked.end, at.now(), daily=quirks.has_daily_data(oddities), **at.real
        )
        days = [day for day in told if rights.covers(allowed, day.day)]
        fails_from = quirks.use_partial(at.store, pce, asked.first, asked.end)
        rows = lines.informative_lines(pce, asked, days, oddities, fails_from)
    else:
        rows = list(_billed(meter, asked, allowed, oddities)) or [lines.refusal(pce, asked, "1000008")]
        rows = list(map(lines.injected, rows)) if perimeter == "injections" else rows
    text = layout.render(rows, oddities.get("layout") or ())
    return Response(text, status=status, mimetype=answers.NDJSON)


def _billed(
    meter: Meter, asked: Asked, allowed: list[rights.Right], oddities: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    at = world()
    frequency = oddities.get("frequency", "1M")
    if frequency == "JJ":  # each day is a period
        for day in readings.days_now(at.store, meter, asked.first, asked.end, at.now(), **at.real):
            if rights.covers(allowed, day.day):
                yield lines.published(meter.pce, asked, [day])
        return
    months = _MONTHS[frequency]
    start = asked.first if asked.first.day == 1 else paris.month_after(asked.first)
    while start < asked.end:
        end = start
        for _ in range(months):
            end = paris.month_after(end)
        billed_at = readings.published_at(end - timedelta(days=1)) + timedelta(days=2)
        if start.month % months == 1 % months and at.now() >= billed_at:
            days = readings.days_now(at.store, meter, start, end, at.now(), **at.real)
            whole = len(days) == (end - start).days or (meter.kind == "real" and len(days) >= 28)
            if whole and rights.covers(allowed, start):
                if (oddities.get("lines") or {}).get("published_twin"):
                    yield lines.published_twin(meter.pce, asked, days[0])
                yield lines.published(meter.pce, asked, days)
        start = paris.month_after(start)


@blueprint.get("/pce/<pce>/donnees_<any(contractuelles, techniques):perimeter>")
def facts(pce: str, perimeter: str) -> Response:
    """Return one meter's contractual or technical data."""
    meter = _meter(pce)
    oddities = quirks.read_quirks(world().store, pce)
    odd_layout = set(oddities.get("layout") or ())
    _, code, status = _decide(pce, perimeter, oddities)
    found = None
    if code is None and perimeter == "techniques":
        found = _technical(meter, oddities.get("frequency", "1M"))
    elif code is None:
        found = _contract(meter, scalar="scalar_car" in odd_layout)
    refused = answers.restitution(code) if code else None
    payload = {"pce": {"id_pce": pce}, f"donnees_{perimeter}": found, "statut_restitution": refused}
    text = layout.render([payload], odd_layout & {"pretty", "nbsp", "bom", "blank_lines"})
    return Response(text, status=status, mimetype=answers.JSON)


def _contract(meter: Meter, *, scalar: bool) -> dict[str, Any]:
    use, heated = meter.yearly_use, meter.yearly_use >= 6000
    return {
        "date_mes": "2016-01-01",
        "tarif_acheminement": "T2" if heated else "T1",
        "date_publication": None,
        "consommation_journaliere_plafond": None,
        "car": use if scalar else {"car_actuelle": use, "car_future": None},
        "cja": 0 if scalar else {"cja": None, "cja_journaliere": None, "cja_mensuelle": None},
        "profil": {
            "profil_type_actuel": "P012" if heated else "P011",
            "date_debut_profil_type_actuel": None,
            "date_fin_profil_type_actuel": None,
            "profil_type_futur": None,
        },
        "modulation": None,
    }


def _technical(meter: Meter, frequency: str) -> dict[str, Any]:
    return {
        "situation_compteur": {
            "numero_rue": str(1 + int(meter.pce[-2:]) % 90),
            "nom_rue": "RUE INVENTEE",
            "complement_adresse": None,
            "code_postal": meter.postcode,
            "commune": "LYON",
        },
        "caracteristiques_compteur": {"frequence": frequency, "client_sensible_mig": "Non"},
        "pitd": {"identifiant_pitd": "GD0000", "libelle_pitd": "SECTEUR-EXEMPLE"},
    }
