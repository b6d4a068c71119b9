"""Whole lives, all loggers but urllib3's at DEBUG: no meter number and no amount of gas is kept (docs/security.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.meter_tag import meter_tag
from include.sandbox.adict.world import DEFAULTS
from tests.airflow_rows import rows_of
from tests.helpers import connect_cozy, lose, yesterday
from tests.leaving.household import Couch, alone, stage
from tests.runs.runner import AT_DEBUG, Worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

HUGE = 8_602_937.5
"""kWh of a day. No time or id in a log looks like it, or like a sum that includes it, by chance."""
ONE, OTHER = "traces-1", "traces-2"


@dataclass
class Life:
    """What happened.

    :param accounts: meters by account
    :param output: everything that was logged
    :param amounts: every figure that was ever stored and is large enough to be unmistakable, as text
    """

    accounts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    output: str = ""
    amounts: set[str] = field(default_factory=set)

    @property
    def numbers(self) -> set[str]:
        """The meters' numbers."""
        return {pce for pces in self.accounts.values() for pce in pces}

    def note(self, couch: Couch) -> None:
        """Record the figures that are stored now."""
        loads = [document.get("load") for name in couch.databases() for document in couch.documents(name)]
        huge = [load for load in loads if isinstance(load, int | float) and load >= HUGE]
        self.amounts |= {text for load in huge for text in (str(load), str(int(load)))}

    def betrayed(self, text: str) -> list[str]:
        """Return what a text contains and should not."""
        return [each for each in (*self.numbers, *self.amounts) if each in text] + re.findall(r"\d ?kWh", text)


def faults(said: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield pairs of refusals, one for each meter: GRDF repeats the meter's number in every kind of them."""

    def refusal(code: str, message: str) -> dict[str, Any]:
        return {"statut_restitution": {"code": code, "message": said + message}}

    yield {"status": 503, "body": {"erreur": said}}, {"status": 400, "body": refusal("9999400", "date_debut")}
    odd = {"pce": {"id_pce": said}, "consommation": {"energie": f"{HUGE} kWh"}}
    yield {"status": 200, "body": odd}, {"status": 200, "body": {"consommation": None} | refusal("2000100", "relancer")}
    yield {"status": 200, "cut": True}, {"status": 200, "body": {"consommation": None} | refusal("1000014", "révoqué")}


@pytest.fixture(scope="module")
def life(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Let it all happen: first run, a re-read, published periods, refusals, a lost consent, a deletion."""
    couch, lived = alone(world), Life()
    world.control.set(**DEFAULTS)
    log = tmp_path_factory.mktemp("traces") / "worker.log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AT_DEBUG.items():
            patch.setenv(name, value)
        worker = Worker(log)
    quick = {"AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}

    def run(dag: str, state: str = "success", **conf: Any) -> None:
        done = worker.ask("run_named", quick, dag_id=dag, conf=conf)
        assert done["state"] == state, (dag, log.read_text(errors="replace")[-5000:])

    try:
        last = yesterday(world)
        days = {"from": str(last - timedelta(days=120)), "to": str(last)}
        for account, meters in ((ONE, 2), (OTHER, 1)):
            lived.accounts[account] = connect_cozy(world, account, meters, conso_debut=days["from"])
        for pce in lived.numbers:
            world.control.correct(pce, last - timedelta(days=9), HUGE)
        for account in lived.accounts:
            run(f"grdf_account__{account}")
        lived.note(couch)
        for pce in lived.numbers:
            world.control.correct(pce, last - timedelta(days=9), HUGE + 1000)
        run("grdf_history", accounts=[ONE, OTHER], **days, include_definitive=True)
        run("grdf_published", accounts=[ONE, OTHER])
        konnector = {"load": HUGE, "year": last.year - 1, "month": 3, "day": 3, "hour": 0, "minute": 0}
        couch.put("com-grandlyon-grdf-day", {"_id": "0123456789abcdef", **konnector})
        year = konnector | {"load": 2 * HUGE, "month": 1, "day": 1}
        couch.put("com-grandlyon-grdf-year", {"_id": "fedcba9876543210", **year})
        run("grdf_adopt_konnector", account=OTHER, dry_run=False)
        lived.note(couch)
        first, second = lived.accounts[ONE]
        for pair in faults(f"PCE {first} ({second}) : "):
            for pce, fault in zip((first, second), pair, strict=True):
                world.control.fault(f"/pce/{pce}/", times=None, **fault)
            run(f"grdf_account__{ONE}", "failed")
            run("grdf_history", "failed", accounts=[ONE], **days, include_definitive=True)
            world.control.set(faults=[])
        lose(world, second)
        run("grdf_consents")
        run(f"grdf_account__{ONE}")  # its other meter is read
        stage(ONE, first)
        world.control.fault("/droit_acces/", status=409, times=None, body={"erreur": f"PCE {first} : "})
        form = {"account": ONE, "confirm": ONE, "dry_run": False}
        run("grdf_delete_account", "failed", **form)
        world.control.set(faults=[])
        run("grdf_delete_account", **form)
        lived.output = log.read_text(encoding="utf-8", errors="replace")
        yield lived
    finally:
        worker.stop()
        world.control.set(**DEFAULTS)


def test_it_has_happened(life: Life, world: LocalWorld) -> None:
    """The search could find something: meters are named, and figures are large."""
    assert len(life.amounts) > 4
    assert "debug" in life.output.lower()
    for account, pces in life.accounts.items():
        assert all(f"Account {account}, meter {meter_tag(account, pce)}: days:" in life.output for pce in pces)
    assert f"Account {ONE} has left" in life.output
    days = Couch(world).documents("com-grandlyon-grdf-day")
    assert any(document["_id"].startswith(f"{OTHER}:") for document in days)


def test_no_log_line_holds_a_meters_number_or_an_amount(life: Life) -> None:
    told = [line for line in life.output.splitlines() if life.betrayed(line)]
    assert not told, f"{len(told)} lines, such as:\n" + "\n".join(told[:20])


def test_nothing_that_airflow_keeps_holds_one(life: Life, airflow_home: Path) -> None:
    """This covers XComs, rendered fields, run configurations, asset events, aliases, and all else in its tables."""
    rows = list(rows_of(airflow_home / "airflow.db"))
    assert {"xcom", "rendered_task_instance_fields", "dag_run", "asset_event"} <= {table for table, _ in rows}
    assert [(table, row[:400]) for table, row in rows if life.betrayed(row)] == []


def test_no_account_says_one_in_a_sentence(life: Life, world: LocalWorld) -> None:
    """Messages about an account are logged, shown and quoted. CouchDB contains numbers only as keys and fields."""
    for document in Couch(world).documents("io-cozy-accounts"):
        words = [text for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(document)) if " " in text]
        assert not any(number in text for number in life.numbers for text in words), words
