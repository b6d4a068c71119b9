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

from include.gas.meter_tag import UNNAMED, meter_tag
from include.sandbox.adict.world import DEFAULTS
from tests.airflow_rows import rows_of
from tests.helpers import connect_cozy, yesterday
from tests.leaving.household import Couch, stage
from tests.runs.runner import AT_DEBUG, Worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

HUGE = 8_602_937.5
"""kWh of a day. No time or id in a log looks like it, or like a sum that includes it, by chance."""


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
        for name in couch.databases():
            for document in couch.documents(name):
                if isinstance(load := document.get("load"), int | float) and load >= HUGE:
                    self.amounts |= {str(load), str(int(load))}

    def betrayed(self, text: str) -> list[str]:
        """Return what a text contains and should not."""
        found = [each for each in (*self.numbers, *self.amounts) if each in text]
        return found + re.findall(r"\d ?kWh", text)


@pytest.fixture(scope="module")
def life(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Let it all happen: first run, corrections, re-reads, published periods, refusals, a lost consent, a deletion."""
    couch = Couch(world)
    couch.forget_accounts()
    world.control.set(**DEFAULTS)
    lived = Life()
    log = tmp_path_factory.mktemp("traces") / "worker.log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AT_DEBUG.items():
            patch.setenv(name, value)
        worker = Worker(log, world)
    quick = {"AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}

    def run(dag: str, state: str = "success", env: dict[str, str] | None = None, **conf: Any) -> None:
        done = worker.ask("run_named", quick | (env or {}), dag_id=dag, conf=conf)
        assert done["state"] == state, (dag, log.read_text(errors="replace")[-5000:])

    try:
        last = yesterday(world)
        begin = str(last - timedelta(days=120))
        for account, meters in (("traces-1", 2), ("traces-2", 1)):
            lived.accounts[account] = connect_cozy(world, account, meters, conso_debut=begin)
        one, other = lived.accounts
        first, second = lived.accounts[one]
        for account in lived.accounts:
            run(f"grdf_account__{account}")
        lived.note(couch)
        for pce in lived.numbers:
            world.control.correct(pce, last - timedelta(days=9), HUGE)
        run(f"grdf_account__{one}")
        run("grdf_history", accounts=[one, other], **{"from": begin, "to": str(last), "include_definitive": True})
        lived.note(couch)
        run("grdf_published", accounts=[one, other])
        run("grdf_consents")
        konnector = {"load": HUGE, "year": last.year - 1, "month": 3, "day": 3, "hour": 0, "minute": 0}
        couch.put("com-grandlyon-grdf-day", {"_id": "0123456789abcdef", **konnector})
        couch.put(
            "com-grandlyon-grdf-year", {"_id": "fedcba9876543210", **konnector, "load": 2 * HUGE, "month": 1, "day": 1}
        )
        for dry_run in (True, False):
            run("grdf_adopt_konnector", account=other, dry_run=dry_run)
        lived.note(couch)

        # GRDF repeats the meter's number in every kind of refusal.
        said = f"PCE {first} ({second}) : "
        for fault in (
            {"status": 503, "body": {"erreur": said}},
            {"status": 400, "body": {"statut_restitution": {"code": "9999400", "message": said + "date_debut"}}},
            {"status": 200, "body": {"pce": {"id_pce": first}, "consommation": {"energie": f"{HUGE} kWh"}}},
            {"status": 200, "body": {"consommation": None, "statut_restitution": {
                "code": "2000100", "message": said + "relancer"}}},
            {"status": 200, "cut": True},
            {"status": 200, "body": {"consommation": None, "statut_restitution": {
                "code": "1000014", "message": said + "droit révoqué"}}},
        ):  # fmt: skip
            world.control.set(faults=[])
            for pce in (first, second):
                world.control.fault(f"/pce/{pce}/", times=None, **fault)
            run(f"grdf_account__{one}", "failed")
            run("grdf_history", "failed", accounts=[one], **{"from": begin, "to": str(last)})
        world.control.set(faults=[])
        (right,) = [each for each in world.control.consents() if each["id_pce"] == second]
        world.control.change_consent(right["id_droit_acces"], etat_droit_acces="Révoquée")
        run("grdf_consents")
        run(f"grdf_account__{one}")  # its other meter is read
        stage(one, first)
        world.control.fault("/droit_acces/", status=409, times=None, body={"erreur": said})
        form = {"account": one, "confirm": one}
        run("grdf_delete_account", "failed", **form, dry_run=False)
        world.control.set(faults=[])
        run("grdf_delete_account", **form, dry_run=True)
        run("grdf_delete_account", **form, dry_run=False)
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
        for pce in pces:
            assert f"Account {account}, meter {meter_tag(account, pce)}: days:" in life.output
    assert "Account traces-1 has left" in life.output
    assert any(document["_id"].startswith("traces-2:") for document in Couch(world).documents("com-grandlyon-grdf-day"))


def test_no_log_line_holds_a_meters_number_or_an_amount(life: Life) -> None:
    told = [line for line in life.output.splitlines() if life.betrayed(line)]
    assert not told, f"{len(told)} lines, such as:\n" + "\n".join(told[:20])
    assert UNNAMED in life.output or "M-" in life.output


def test_nothing_that_airflow_keeps_holds_one(life: Life, airflow_home: Path) -> None:
    """This covers XComs, rendered fields, run configurations, asset events, aliases, and all else in its tables."""
    rows = list(rows_of(airflow_home / "airflow.db"))
    assert {"xcom", "rendered_task_instance_fields", "dag_run", "asset_event"} <= {table for table, _ in rows}
    told = [(table, row[:400]) for table, row in rows if life.betrayed(row)]
    assert told == []


def test_no_account_says_one_in_a_sentence(life: Life, world: LocalWorld) -> None:
    """Messages about an account are logged, shown and quoted. CouchDB contains numbers only as keys and fields."""
    for document in Couch(world).documents("io-cozy-accounts"):
        words = [text for text in _strings(document) if " " in text]
        assert not any(number in text for number in life.numbers for text in words), json.dumps(words)


def _strings(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from _strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from _strings(value)
    elif isinstance(part, str):
        yield part
