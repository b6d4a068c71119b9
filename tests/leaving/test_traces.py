"""Whole lives, all loggers but urllib3's at DEBUG: no meter number and no amount of gas is kept (docs/security.md)."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.airflow_rows import rows_of
from tests.helpers import connect_cozy, lose, yesterday
from tests.leaving.household import Couch, alone, stage
from tests.runs.runner import AT_DEBUG, Worker

HUGE = 8_602_937.5
"""kWh of a day. No time or id in a log looks like it, or like a sum that includes it, by chance."""
ONE, OTHER = "traces-1", "traces-2"
QUICK = {"AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}


def amounts(couch: Couch) -> set[str]:
    loads = [document.get("load") for name in couch.databases() for document in couch.documents(name)]
    huge = [load for load in loads if isinstance(load, int | float) and load >= HUGE]
    return {text for load in huge for text in (str(load), str(int(load)))}


def refusals(said: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    def refusal(code: str, message: str) -> dict[str, Any]:
        return {"statut_restitution": {"code": code, "message": said + message}}

    odd, none = {"pce": {"id_pce": said}, "consommation": {"energie": f"{HUGE} kWh"}}, {"consommation": None}
    return [
        ({"status": 503, "body": {"erreur": said}}, {"status": 400, "body": refusal("9999400", "date_debut")}),
        ({"status": 200, "body": odd}, {"status": 200, "body": none | refusal("2000100", "relancer")}),
        ({"status": 200, "cut": True}, {"status": 200, "body": none | refusal("1000014", "révoqué")}),
    ]


def test_nothing_that_is_kept_holds_a_meters_number_or_an_amount(
    clean: LocalWorld, airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    couch, control, last, log = alone(clean), clean.control, yesterday(clean), tmp_path / "worker.log"
    for name, value in AT_DEBUG.items():
        monkeypatch.setenv(name, value)
    days = {"from": str(last - timedelta(days=120)), "to": str(last)}
    accounts = {
        name: connect_cozy(clean, name, number, conso_debut=days["from"]) for name, number in ((ONE, 2), (OTHER, 1))
    }
    (first, second), (third,) = accounts.values()
    with ExitStack() as stack:
        stack.callback((worker := Worker(log)).stop)

        def run(dag: str, state: str = "success", **conf: Any) -> None:
            done = worker.ask("run_named", QUICK, dag_id=dag, conf=conf)
            assert done["state"] == state, (dag, log.read_text(errors="replace")[-5000:])

        def correct(load: float) -> None:
            for pce in (first, second, third):
                control.correct(pce, last - timedelta(days=9), load)

        correct(HUGE)
        for account in accounts:
            run(f"grdf_account__{account}")
        stored = amounts(couch)
        correct(HUGE + 1000)
        run("grdf_history", accounts=[ONE, OTHER], **days, include_definitive=True)
        run("grdf_published", accounts=[ONE, OTHER])
        run("grdf_export_account", account=ONE)
        konnector = {"load": HUGE, "year": last.year - 1, "month": 3, "day": 3, "hour": 0, "minute": 0}
        couch.put("com-grandlyon-grdf-day", {"_id": "0123456789abcdef", **konnector})
        year = konnector | {"load": 2 * HUGE, "month": 1, "day": 1}
        couch.put("com-grandlyon-grdf-year", {"_id": "fedcba9876543210", **year})
        run("grdf_adopt_konnector", account=OTHER, dry_run=False)
        stored |= amounts(couch)
        for pair in refusals(f"PCE {first} ({second}) : "):
            for pce, fault in zip((first, second), pair, strict=True):
                control.fault(f"/pce/{pce}/", times=None, **fault)
            run(f"grdf_account__{ONE}", "failed")
            run("grdf_history", "failed", accounts=[ONE], **days, include_definitive=True)
            control.set(faults=[])
        lose(clean, second)
        run("grdf_consents")
        run(f"grdf_account__{ONE}")  # its other meter is read
        stage(ONE, first)
        control.fault("/droit_acces/", status=409, times=None, body={"erreur": f"PCE {first} : "})
        run("grdf_delete_account", "failed", account=ONE, confirm=ONE, dry_run=False)
        control.set(faults=[])
        run("grdf_delete_account", account=ONE, confirm=ONE, dry_run=False)

    def betrayed(text: str) -> list[str]:
        return [each for each in (first, second, third, *stored) if each in text] + re.findall(r"\d ?kWh", text)

    output = log.read_text(encoding="utf-8", errors="replace")
    assert (len(stored) > 4, "debug" in output.lower(), f"Account {ONE} has left" in output) == (True, True, True)
    for account, pces in accounts.items():
        assert all(f"Account {account}, meter {meter_tag(account, pce)}: days:" in output for pce in pces)
    assert [line for line in output.splitlines() if betrayed(line)][:20] == []
    rows = list(rows_of(airflow_home / "airflow.db"))
    assert {"xcom", "dag_run", "asset_event"} <= {table.removesuffix("_v2") for table, _ in rows}
    assert [(table, row[:400]) for table, row in rows if betrayed(row)] == []
    for document in couch.documents("io-cozy-accounts"):  # its messages are shown and quoted
        words = [text for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(document)) if " " in text]
        assert not any(number in text for number in (first, second, third) for text in words), words
