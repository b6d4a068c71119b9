"""What the tests of billing periods share: GRDF's lines about them, and the totals that they leave."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import MONTH, YEAR
from include.gas.documents.gas_days import account_range
from tests.plugins.steps import read_published
from tests.rights.scene import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

THIS = paris_today(datetime.now(UTC)).year - 1
"""Last year, all of which is over."""
BEFORE = THIS - 1
WINTER, SUMMER = (f"{BEFORE}-12-01", f"{THIS}-06-01", 6000), (f"{THIS}-06-01", f"{THIS}-11-01", 900)
OF_SUMMER = {*(f"{THIS}-{month:02}" for month in range(6, 11)), f"{THIS}"}


def line(pce: str, first: str, end: str, load: int) -> str:
    use = {"date_debut_consommation": f"{first}T06:00:00+01:00", "date_fin_consommation": f"{end}T06:00:00+01:00"}
    said = {"energie": load, "type_conso": "publiée", "type_qualif_conso": "Mesuré", "statut_conso": "Définitive"}
    return json.dumps({"pce": {"id_pce": pce}, "consommation": use | said, "statut_restitution": None})


def totals(account: str) -> dict[str, Any]:
    found = (each for name in (MONTH, YEAR) for each in CouchDBHook().range(name, *account_range(account)))
    return {each["_id"].rpartition(":")[2]: each["load"] for each in found}


def read(world: LocalWorld, account: str, pce: str) -> None:
    """Have both periods read of a meter that is read twice a year."""
    world.control.set_quirks(pce, frequency="6M")
    body = "\n".join(line(pce, *each) for each in (WINTER, SUMMER))
    world.control.fault(f"/pce/{pce}/donnees_consos_publiees", times=None, status=200, body=body)
    check()
    read_published(account)
    world.control.set(faults=[])
