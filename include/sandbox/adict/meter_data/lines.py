"""ADICT's lines: one JSON object per gas day, billing month or refusal."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from include.sandbox.adict import answers, paris
from include.sandbox.adict.meter_data.readings import DEFINITIVE, PROVISIONAL, Day

_READ = {
    "raison_releve": "RNO",
    "libelle_raison_releve": "Relevé normal",
    "qualite_releve": "Mesure",
    "statut_releve": "Normal",
}
_COEFFICIENTS = {"coeff_pta": None, "valeur_pcs": None, "coeff_conversion": None}


@dataclass(frozen=True, slots=True)
class Asked:
    """The window of a request, ``end`` excluded."""

    first: date
    end: date

    def echo(self) -> dict[str, Any]:
        """Return the ``periode`` object."""
        return {"valeur": None, "date_debut": self.first.isoformat(), "date_fin": self.end.isoformat()}


def _index(side: str, value: int | None, when: str | None) -> dict[str, Any]:
    return {
        f"index_brut_{side}": {"valeur_index": value, "horodate_Index": when},
        f"index_converti_{side}": {"valeur_index": None, "horodate_Index": None},
    }


def informative(pce: str, asked: Asked, day: Day) -> dict[str, Any]:
    """Return the line for one gas day."""
    start, end = paris.six_o_clock(day.day), paris.six_o_clock(day.day + timedelta(days=1))
    return {
        "pce": {"id_pce": pce},
        "periode": asked.echo(),
        "releve_debut": {"date_releve": None, **_index("debut", None, None)},
        "releve_fin": {"date_releve": end, **_index("fin", day.index_end, end)},
        "consommation": {
            "date_debut_consommation": start,
            "date_fin_consommation": end,
            "flag_retour_zero": None,
            "volume_brut": day.volume,
            "coeff_calcul": _COEFFICIENTS | {"coeff_conversion": day.coefficient},
            "volume_converti": None,
            "energie": day.energy,
            "type_qualif_conso": day.quality,
            "sens_flux_gaz": "Consommation",
            "statut_conso": day.status,
            "journee_gaziere": day.day.isoformat(),
            "type_conso": "Informative Journalier",
        },
        "statut_restitution": None,
    }


def absence(pce: str, asked: Asked, day: Day, energy: int | None) -> dict[str, Any]:
    """Return the line of a day without data yet; its energy is ``None`` or 0, as both occur."""
    line = informative(pce, asked, day)
    line["releve_fin"] = {"date_releve": None, **_index("fin", None, None)}
    line["consommation"] |= {
        "volume_brut": None,
        "coeff_calcul": _COEFFICIENTS,
        "energie": energy,
        "type_qualif_conso": "Absence de Données",
        "statut_conso": PROVISIONAL,
    }
    return line


def refusal(pce: str, asked: Asked, code: str) -> dict[str, Any]:
    """Return the line of a refusal."""
    nothing = {"releve_debut": None, "releve_fin": None, "consommation": None}
    told = {"pce": {"id_pce": pce}, "periode": asked.echo(), **nothing}
    return told | {"statut_restitution": answers.restitution(code)}


def informative_lines(
    pce: str, asked: Asked, days: list[Day], quirks: dict[str, Any], fails_from: date | None = None
) -> list[dict[str, Any]]:
    """Return all lines of daily data, with line quirks, failing with 2000100 from a day on if given."""
    wanted = quirks.get("lines") or {}
    broken = wanted.get("broken") or {}
    lines: list[dict[str, Any]] = []
    for day in days:
        text = day.day.isoformat()
        if text in (wanted.get("missing") or []) or (fails_from and day.day >= fails_from):
            continue
        if text in (wanted.get("absent_null") or []) or day.energy is None:
            lines.append(absence(pce, asked, day, None))
        elif text in (wanted.get("absent_zero") or []):
            lines.append(absence(pce, asked, day, 0))
        else:
            line = informative(pce, asked, day)
            if text in broken:
                line["consommation"]["energie"] = broken[text] if isinstance(broken, dict) else "12,5 kWh"
            lines += [line] * (2 if text in (wanted.get("duplicate") or []) else 1)
    if lines and wanted.get("foreign"):
        foreign = copy.deepcopy(lines[0])
        foreign["pce"]["id_pce"] = "09999990099999" if pce != "09999990099999" else "09999990099998"
        lines.insert(1, foreign)
    if fails_from:
        lines.append(refusal(pce, Asked(fails_from, asked.end), "2000100"))
    return lines or [refusal(pce, asked, "1000008")]


def published(pce: str, asked: Asked, days: list[Day]) -> dict[str, Any]:
    """Return the published line for one billing period."""
    start, end = paris.six_o_clock(days[0].day), paris.six_o_clock(days[-1].day + timedelta(days=1))
    line = informative(pce, asked, days[0])
    volume = days[-1].index_end - days[0].index_start
    line["releve_debut"] = {"date_releve": start, **_READ, **_index("debut", days[0].index_start, start)}
    line["releve_fin"] = {"date_releve": end, **_READ, **_index("fin", days[-1].index_end, end)}
    line["consommation"] |= {
        "date_fin_consommation": end,
        "flag_retour_zero": False,
        "volume_brut": volume,
        "volume_converti": 0,
        "energie": volume * round(days[-1].coefficient * 1000) // 1000,
        "type_qualif_conso": "Mesuré",
        "statut_conso": DEFINITIVE,
        "journee_gaziere": None,
        "type_conso": "Publiée",
    }
    line["bordereau_publication"] = {"date_debut_bordereau": None, "date_fin_bordereau": None, "nb_jour_gazier": None}
    return line


def injected(line: dict[str, Any]) -> dict[str, Any]:
    """Return a published line as one of gas that was put into the network."""
    use = line["consommation"]
    if use is None:
        return line
    names = {
        "date_debut_consommation": "date_debut_injection", "date_fin_consommation": "date_fin_injection",
        "type_qualif_conso": "type_qualif_injection", "statut_conso": "statut_injection",
        "type_conso": "type_injection",
    }  # fmt: skip
    content = {names.get(key, key): value for key, value in use.items()} | {"sens_flux_gaz": "Production"}
    return {("injection" if key == "consommation" else key): value for key, value in line.items()} | {
        "injection": content
    }


def published_twin(pce: str, asked: Asked, day: Day) -> dict[str, Any]:
    """Return the line without data that GRDF sends beside some billing periods'."""
    line = published(pce, asked, [day])
    line["consommation"] |= {"energie": None, "volume_brut": None, "type_qualif_conso": "Absence de Données"}
    return line
