"""The data endpoints of ADICT v2.

Where GRDF's documentation says nothing, the sandbox behaves as follows. An unknown but well-formed PCE gets a 404. If a
window exceeds the consented one, only the consented days are returned (1000008 if there are none); with the setting
``outside_perimeter`` set to ``refuse``, the whole call is refused with an invented code. A ``periode`` that starts
before the depth limit or ends after today is clipped; one that is completely outside gets a 400. Published rows are
those whose billing period starts in the window.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, g, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.meter_data import layout, lines, meters, quirks, readings
from include.sandbox.adict.meter_data.lines import Asked
from include.sandbox.adict.meter_data.meters import Meter
from include.sandbox.adict.world import World, world

blueprint = Blueprint("data", __name__, url_prefix=identity.API_PATH)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FILTERS: Final = ("car", "cja", "profil_type_actuel", "tarif_acheminement", "date_mes")
_YEARS: Final = {"informatives": 3, "publiees": 5}


def _asked(today: date, years: int) -> Asked | tuple[str, str]:
    """Return the window of the request, or the error for the first rule that it breaks."""
    period, first_text, end_text = (request.args.get(name) for name in ("periode", "date_debut", "date_fin"))
    oldest = paris.years_before(today, years)
    if (period is None) == (first_text is None and end_text is None):
        return answers.BOTH_OR_NONE
    if period is not None:
        asked = lines.parse_period(period)
        if asked is None:
            return answers.BAD_PERIOD
        if asked.end <= oldest:
            return answers.START_TOO_OLD
        if asked.first >= today:
            return answers.END_AFTER_TODAY
        return Asked(max(asked.first, oldest), min(asked.end, today), period)
    if first_text is None or end_text is None:
        return answers.ONE_DATE
    try:
        if not (_DATE.fullmatch(first_text) and _DATE.fullmatch(end_text)):
            return answers.BAD_DATE
        asked = Asked(date.fromisoformat(first_text), date.fromisoformat(end_text))
    except ValueError:
        return answers.BAD_DATE
    if asked.first >= asked.end:
        return answers.START_NOT_BEFORE_END
    if asked.end > today:
        return answers.END_AFTER_TODAY
    return answers.START_TOO_OLD if asked.first < oldest else asked


def _meter(pce: str) -> Meter | Response:
    """Return the meter in the URL, or a refusal common to all data endpoints."""
    if identity.may_revoke(g.client_id):
        return answers.gateway_error("Ces identifiants ne permettent que la révocation.", 403)
    g.pce = pce
    if not meters.well_formed(pce):
        return answers.data_error(answers.BAD_PCE)
    return meters.find(pce) or answers.data_error(answers.UNKNOWN_PCE, 404)


def _refused(at: World, pce: str, perimeter: str, oddities: dict[str, Any]) -> tuple[list[rights.Right], str | None]:
    """Return the access rights that allow the call, or the code of the refusal."""
    if oddities.get("refusal"):
        return [], str(oddities["refusal"])
    return rights.decide(rights.of_meter(at.store, pce, identity.company_of(g.client_id)), perimeter, at.today())


@blueprint.get("/pce/<pce>/donnees_consos_<any(informatives, publiees):perimeter>")
def consumption(pce: str, perimeter: str) -> Response:
    """Return one meter's daily or billed consumption."""
    at = world()
    meter = _meter(pce)
    if isinstance(meter, Response):
        return meter
    asked = _asked(at.today(), _YEARS[perimeter])
    if not isinstance(asked, Asked):
        return answers.data_error(asked)
    oddities = quirks.read(at.store, pce)
    allowed, code = _refused(at, pce, perimeter, oddities)
    if code is None and at.setting("outside_perimeter") == "refuse":
        edges = (asked.first, asked.end - timedelta(days=1))
        code = None if all(rights.covers(allowed, day) for day in edges) else "9990006"
    if code is not None:
        rows = [lines.refusal(pce, asked, code)]
    elif perimeter == "informatives":
        rows = _daily(at, meter, asked, allowed, oddities)
    else:
        rows = _billed(at, meter, asked, allowed, oddities)
    status = at.setting("no_right_status") if code == "1000002" else 200
    text = layout.render(rows, oddities.get("layout") or ())
    return Response(text, status=status, mimetype=answers.NDJSON)


def _daily(
    at: World, meter: Meter, asked: Asked, allowed: list[rights.Right], oddities: dict[str, Any]
) -> list[dict[str, Any]]:
    days = [
        day
        for day in readings.days_now(
            at.store,
            meter,
            asked.first,
            asked.end,
            at.now(),
            frequency=oddities.get("frequency", "1M"),
            **at.real,
        )
        if rights.covers(allowed, day.day)
    ]
    fails_from = quirks.use_partial(at.store, meter.pce, asked.first, asked.end)
    return lines.informative_lines(meter.pce, asked, days, oddities, fails_from)


def _billed(
    at: World, meter: Meter, asked: Asked, allowed: list[rights.Right], oddities: dict[str, Any]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    frequency = oddities.get("frequency", "1M")
    if frequency == "JJ":  # each day is a period of its own
        days = readings.days_now(at.store, meter, asked.first, asked.end, at.now(), **at.real)
        told = [lines.published(meter.pce, asked, [day]) for day in days if rights.covers(allowed, day.day)]
        return told or [lines.refusal(meter.pce, asked, "1000008")]
    start = asked.first if asked.first.day == 1 else paris.month_after(asked.first)
    months = 6 if frequency == "6M" else 1
    while start < asked.end:
        end = start
        for _ in range(months):
            end = paris.month_after(end)
        begins = start.month in (1, 7) or months == 1
        if begins and at.now() >= readings.published_at(end - timedelta(days=1), "1M", meter.pce) + timedelta(days=2):
            days = readings.days_now(at.store, meter, start, end, at.now(), **at.real)
            whole = len(days) == (end - start).days or (meter.kind == "real" and len(days) >= 28)
            if whole and rights.covers(allowed, start):
                if (oddities.get("lines") or {}).get("published_twin"):
                    twin = lines.published(meter.pce, asked, days[:1])
                    twin["consommation"] |= {
                        "energie": None,
                        "volume_brut": None,
                        "type_qualif_conso": "Absence de Données",
                    }
                    rows.append(twin)
                rows.append(lines.published(meter.pce, asked, days))
        start = paris.month_after(start)
    return rows or [lines.refusal(meter.pce, asked, "1000008")]


@blueprint.get("/pce/<pce>/donnees_injections_publiees")
@blueprint.get("/pce/<pce>/donnees_injection_publiees")  # as GRDF's own sandbox spells it
def injections(pce: str) -> Response:
    """Refuse data about injected gas. The sandbox's meters only consume, so there is never a right to it."""
    meter = _meter(pce)
    if isinstance(meter, Response):
        return meter
    asked = _asked(world().today(), _YEARS["publiees"])
    if not isinstance(asked, Asked):
        return answers.data_error(asked)
    return Response(layout.render([lines.refusal(pce, asked, "1000002")]), mimetype=answers.NDJSON)


@blueprint.get("/pce/<pce>/donnees_<any(contractuelles, techniques):perimeter>")
def facts(pce: str, perimeter: str) -> Response:
    """Return one meter's contractual or technical data."""
    at = world()
    meter = _meter(pce)
    if isinstance(meter, Response):
        return meter
    wanted = [value for text in request.args.getlist("filtre") for value in text.split(",")]
    if perimeter == "contractuelles" and set(wanted) - set(_FILTERS):
        return answers.data_error(answers.BAD_FILTER)
    oddities = quirks.read(at.store, pce)
    _, code = _refused(at, pce, perimeter, oddities)
    key = f"donnees_{perimeter}"
    payload: dict[str, Any] = {"pce": {"id_pce": pce}, key: None, "statut_restitution": None}
    if code is not None:
        payload["statut_restitution"] = {"code": code, "message": answers.REFUSALS.get(code, "Refus.")}
        return answers.body(payload, at.setting("no_right_status") if code == "1000002" else 200)
    odd_layout = set(oddities.get("layout") or ())
    if perimeter == "techniques":
        payload[key] = _technical(meter, oddities.get("frequency", "1M"))
    else:
        payload[key] = _contract(meter, wanted, scalar="scalar_car" in odd_layout)
    text = layout.render([payload], odd_layout & {"pretty", "nbsp", "bom", "blank_lines"})
    return Response(text, mimetype=answers.JSON)


def _contract(meter: Meter, wanted: list[str], *, scalar: bool) -> dict[str, Any]:
    profile: dict[str, Any] = {"profil_type_actuel": "P012" if meter.yearly_use >= 6000 else "P011"}
    contract: dict[str, Any] = {
        "date_mes": "2016-01-01",
        "tarif_acheminement": "T2" if meter.yearly_use >= 6000 else "T1",
        "date_publication": None,
        "consommation_journaliere_plafond": None,
        "car": meter.yearly_use if scalar else {"car_actuelle": meter.yearly_use, "car_future": None},
        "cja": 0 if scalar else {"cja": None, "cja_journaliere": None, "cja_mensuelle": None},
        "profil": profile
        | {"date_debut_profil_type_actuel": None, "date_fin_profil_type_actuel": None, "profil_type_futur": None},
        "modulation": None,
    }
    if not wanted:
        return contract
    kept = {name: contract[name] for name in wanted if name in contract}
    return kept | ({"profil": profile} if "profil_type_actuel" in wanted else {})


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


@blueprint.get("/pce//<path:_what>")
def no_pce(_what: str) -> Response:
    """Refuse a call with an empty PCE (403 in GRDF's list of errors)."""
    return answers.gateway_error("Le paramètre id_pce manque.", 403)
