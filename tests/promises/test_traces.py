"""Promise 20 again, in every kind of run: nothing logged, returned or said names a meter or an amount of gas."""

from __future__ import annotations

import json
import logging
import re

import pytest

from include.gas.meter_tag import meter_tag
from tests.promises.adapter import ACCOUNTS, DAYS, METERS, YEARS, Ended, Town
from tests.promises.adapter.runs import EAR

PCE, OTHER, THIRD = METERS[:3]
HUGE = 8_602_937.5
"""kWh of a day. No time or id in a log looks like it, or like a sum that includes it, by chance."""
READS = "/donnees_consos_informatives$"


def amounts(town: Town) -> set[str]:
    loads = [document.get("load") for docs in town.couch.databases.values() for document in docs.values()]
    huge = [load for load in loads if isinstance(load, int | float) and load >= HUGE]
    return {str(form(load)) for load in huge for form in (float, int)}


def test_no_run_names_a_meter_or_an_amount(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    EAR.lines.clear()
    told: list[Ended] = []
    private = {PCE, OTHER, THIRD}

    def run(dag: str, **params: object) -> None:
        told.append(town.run_dag(dag, params=params))

    town.connect("alder", PCE, OTHER, back=120, run=False)
    town.connect("birch", THIRD, back=120, run=False)
    for load in (HUGE, HUGE + 1000):
        for pce in (PCE, OTHER, THIRD):
            town.correct(pce, town.ago(9), load)
        told += [town.run("alder"), town.run("birch"), town.history(town.ago(100), town.today, definitive=True)]
        private |= amounts(town)
    run("grdf_published")
    run("grdf_export_account", account="alder")
    konnector = {"load": HUGE, "year": 2025, "month": 3, "day": 3, "hour": 0, "minute": 0}
    for database, own in ((DAYS, {}), (YEARS, {"load": 2 * HUGE, "month": 1, "day": 1})):
        town.couch.answer("PUT", f"/{database}/0123456789abcdef", json.dumps(konnector | own).encode())
    run("grdf_adopt_konnector", account="birch", dry_run=False)
    private |= amounts(town)
    for status in ({"code": "2000100", "message": f"PCE {PCE}"}, {"code": "1000014", "message": f"PCE {PCE}"}, None):
        odd = {"pce": {"id_pce": f"PCE {PCE}"}, "consommation": {"energie": f"{HUGE} kWh"}}
        body = json.dumps(odd if status is None else {"consommation": None, "statut_restitution": status}).encode()
        town.fault(lambda _, body=body: body, READS, times=10_000)
        told += [town.run("alder"), town.history(town.ago(100), town.today, "alder", definitive=True)]
        assert {ended.state for ended in told[-2:]} == {"failed" if status else "success"}, body
        town.calm()
    town.revoke(town.rights(OTHER)[0]["id_droit_acces"])
    told += [town.check(), town.run("alder")]
    town.fault(409, "/droit_acces/", times=10_000)
    told.append(town.leave("alder"))
    assert told[-1].state == "failed"
    messages = [document.get("state_message") for document in town.documents(ACCOUNTS).values()]
    town.calm()
    told.append(town.leave("alder"))
    assert told[-1].well
    logged = "\n".join([*EAR.lines, *(record.getMessage() for record in caplog.records)])
    assert (f"Account alder, meter {meter_tag('alder', PCE)}: days:" in logged, len(private) > 9) == (True, True)
    texts = [*logged.splitlines(), *(f"{ended} {ended.result}" for ended in told), *map(str, messages)]
    assert [each for each in texts if re.search(r"\d ?kWh", each) or any(word in each for word in private)] == []
