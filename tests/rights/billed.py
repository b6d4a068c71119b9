"""What the tests of billing periods share: GRDF's lines about them, and the totals that they leave."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import MONTH, YEAR
from include.gas.documents.gas_days import account_range

THIS = paris_today(datetime.now(UTC)).year - 1
"""Last year, all of which is over."""


def line(pce: str, first: str, end: str, load: int) -> str:
    use = {"date_debut_consommation": f"{first}T06:00:00+01:00", "date_fin_consommation": f"{end}T06:00:00+01:00"}
    said = {"energie": load, "type_conso": "publiée", "type_qualif_conso": "Mesuré", "statut_conso": "Définitive"}
    return json.dumps({"pce": {"id_pce": pce}, "consommation": use | said, "statut_restitution": None})


def totals(account: str) -> dict[str, Any]:
    found = (each for name in (MONTH, YEAR) for each in CouchDBHook().range(name, *account_range(account)))
    return {each["_id"].rpartition(":")[2]: each["load"] for each in found}
