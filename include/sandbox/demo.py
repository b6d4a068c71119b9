"""``./grdf demo``: three households connect, their DAGs run, and figures are compared. A second call changes none."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from include.gas.days.gas_day import gas_day_of
from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import dag_id
from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.connect import HOUSEHOLDS, PATIENT, Household, connect, declared_account
from include.sandbox.control import answer_mail
from include.sandbox.figures import Figures, MeterFigures, StoredFigures, summed, table
from include.sandbox.local_world import ROOT, LocalWorld, exit_code

DIRECT = HOUSEHOLDS[0]
"""The household whose right is declared and who accepts by e-mail."""
WAITING_DAG = "grdf_waiting_rights"
CORRECTED_ACCOUNT = "two-meters"
CORRECTION_AGE = 20
"""Age in days, from the newest stored day, of the corrected day: every run reads it again."""


class Demo:
    """One call of ``./grdf demo``."""

    def __init__(self, data: Path) -> None:
        self.world = LocalWorld(data, real_continues=True)
        self.data = self.world.data
        self.started = time.monotonic()
        self.wrong: list[str] = []

    def run(self) -> int:
        """Run the demo; return 0 if everything is stored as it should be, otherwise 1."""
        with self.world:
            self.say("GRDF's stand-in and CouchDB run.")
            self.world.control.set(**PATIENT)
            airflow = AirflowStack(self.data / "airflow", 0, self.world.connections())
            airflow.start(self.world.processes)
            self.say(f"Airflow runs (until this demo ends its UI is at {airflow.url}).")
            self.airflow = airflow
            first_time = self._connect()
            self.shelf = StoredFigures(self.world.couch.url, self.world.couch.user, self.world.couch.password)
            before = self._everything()
            dags = [dag_id(household.account) for household in HOUSEHOLDS]
            self._wait(dict.fromkeys(dags))
            self._accept()
            if first_time:
                self._show("After the first run")
            correction = self._correct()
            stored = self._everything()
            self._wait({dag: airflow.trigger(dag) for dag in dags})
            if correction:
                self._show_correction(stored, *correction)
            self._show("Stored now, beside what GRDF says now")
            self._show_revoked()
            self._show_change(before, first_time)
        return self._verdict()

    # -- steps -------------------------------------------------------------------------------------------------------

    def _connect(self) -> bool:
        known = {household.account: self.world.book.get(household.account) or {} for household in HOUSEHOLDS}
        new = [each for each in HOUSEHOLDS if "pce_id" not in known[each.account].get("oauth_callback_results", {})]
        for household in new:
            if household is DIRECT:
                self.world.book.save(declared_account(household))
                how = "here; its DAG declares that"
            else:
                connect(household, self.world.facts, self.world.book)
                how = "on GRDF's page"
            self.say(f"Household {household.account} has consented {how} ({household.story}).")
        for right in self.world.control.consents():
            if right["id_pce"] in HOUSEHOLDS[2].holder.pces and right["etat_droit_acces"] == "Active":
                self.world.control.revoke(right["id_droit_acces"], by="holder")
        return bool(new)

    def _accept(self) -> None:
        """Let the holder accept by e-mail, and wait for the first run that this starts."""
        meters = (self.world.book.get(DIRECT.account) or {}).get("status", {}).get("meters", {})
        if not any(held["word"] == "waiting" for held in meters.values()):
            return
        dag, control = dag_id(DIRECT.account), self.world.control
        before = {run["dag_run_id"] for run in self.airflow.runs(dag)}
        control.set(mail_at_once=True)  # not at the next quarter of an hour
        answer_mail(control.base_url)
        self.say(f"The holder of {DIRECT.account} has accepted in GRDF's e-mail. GRDF sends no notice, so we look.")
        self._wait({WAITING_DAG: self.airflow.trigger(WAITING_DAG)})
        started = [run["dag_run_id"] for run in self.airflow.runs(dag) if run["dag_run_id"] not in before]
        if not started:
            self.wrong.append(f"no run of {dag} was started after its holder had accepted")
        self._wait(dict.fromkeys([dag], started[0]) if started else {})

    def _wait(self, runs: Mapping[str, str | None]) -> None:
        ended = self.airflow.wait_for_runs(runs, seconds=600, tell=lambda text: self.say(f"Airflow: {text}"))
        # The third household's run fails if it meets the revocation, and skips if the check of rights came first. The
        # state is checked at the end.
        may_fail = dag_id(HOUSEHOLDS[2].account)
        self.wrong += [
            f"{dag} has failed" for dag, run in ended.items() if run["state"] == "failed" and dag != may_fail
        ]

    def _correct(self) -> tuple[str, str, float, float] | None:
        """Make GRDF correct a past day, once."""
        pce = HOUSEHOLDS[1].holder.pces[0]
        marker = self.data / "corrected"
        if marker.exists():
            return None
        stored = self.shelf.figures(CORRECTED_ACCOUNT, pce)
        newest = max(period for period in stored if len(period) == 10)
        day = (date.fromisoformat(newest) - timedelta(days=CORRECTION_AGE)).isoformat()
        old = stored[day]
        self.world.control.correct(pce, day, old + 7)
        marker.touch()
        self.say(f"GRDF corrects gas day {day} of meter {pce}: {old} kWh becomes {old + 7} kWh. The DAGs run again.")
        return pce, day, old, old + 7

    # -- what the reader sees ------------------------------------------------------------------------------------------

    def _figures(self, household: Household, pce: str) -> MeterFigures:
        """Return a meter's figures, and GRDF's for the days that its runs could ask for, also a morning's."""
        control, dag = self.world.control, dag_id(household.account)
        runs = self.airflow.runs(dag)
        self.airflow.wait_for_runs({dag: runs[0]["dag_run_id"]}, seconds=600)
        end = max(gas_day_of(datetime.fromisoformat(run["data_interval_end"] or run["run_after"])) for run in runs)
        expected = summed(control.expected(pce, oldest_allowed(control.today()), end))
        return MeterFigures(household.account, pce, self.shelf.figures(household.account, pce), expected)

    def _show(self, title: str) -> None:
        rows = [self._figures(household, pce) for household in HOUSEHOLDS[:2] for pce in household.holder.pces]
        print(f"\n{title}\n\n{table(rows)}\n", flush=True)
        for meter in rows:
            if wrong := meter.differences:
                self.wrong.append(f"{meter.account}, meter {meter.pce}: {', '.join(wrong[:5])} differ from GRDF")

    def _show_correction(self, before: Mapping[str, Figures], pce: str, day: str, old: float, new: float) -> None:
        now = self.shelf.figures(CORRECTED_ACCOUNT, pce)
        print(f"\nGRDF's correction of {day} (meter {pce}) reached the totals\n")
        for period in (day, day[:7], day[:4]):
            was = before[f"{CORRECTED_ACCOUNT}:{pce}"].get(period)
            print(f"  {period:<10}  {was} kWh -> {now.get(period)} kWh")
        if now.get(day) != new:
            self.wrong.append(f"the correction of {day} from {old} to {new} kWh did not arrive")

    def _show_revoked(self) -> None:
        account = HOUSEHOLDS[2].account
        document = self.world.book.get(account) or {}
        print(f"\n{account}: state {document.get('state')} since {document.get('state_since')}")
        print(f"  {document.get('state_message')}")
        if document.get("state") != "USER_ACTION_NEEDED.OAUTH_OUTDATED":
            self.wrong.append(f"{account} should have the state USER_ACTION_NEEDED.OAUTH_OUTDATED")

    def _everything(self) -> dict[str, Figures]:
        return {
            f"{household.account}:{pce}": self.shelf.figures(household.account, pce)
            for household in HOUSEHOLDS
            for pce in household.holder.pces
        }

    def _show_change(self, before: Mapping[str, Figures], first_time: bool) -> None:
        after = self._everything()
        changed = sorted(
            f"{meter} {period}"
            for meter, now in after.items()
            for period in now.keys() | before[meter].keys()
            if now.get(period) != before[meter].get(period)
        )
        if first_time:
            print(f"\n{len(changed)} figures stored. Run ./grdf demo again: it will find nothing to change.")
        elif changed:
            print(f"\n{len(changed)} figures changed since the last call, as GRDF has published more: {changed[:6]}")
        else:
            print("\nNothing changed: the DAGs ran again, and every stored day, month and year stands as it was.")

    def _verdict(self) -> int:
        seconds = time.monotonic() - self.started
        if self.wrong:
            print(f"\nVERDICT: not as it should be ({seconds:.0f} s).")
            for problem in self.wrong:
                print(f"  - {problem}")
            print(f"  Logs: {self.data}")
            return 1
        print(f"\nVERDICT: all stored figures are what GRDF says they should be ({seconds:.0f} s). State: {self.data}")
        return 0

    def say(self, text: str) -> None:
        """Print what happens, with the seconds since the start."""
        print(f"[{time.monotonic() - self.started:4.0f} s] {text}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return also 2 if it could not run, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="./grdf demo", description="Connect three households and run their DAGs.")
    parser.add_argument("--data", type=Path, default=ROOT / ".grdf" / "demo", help="folder that keeps the demo's state")
    options = parser.parse_args(argv)
    return exit_code(lambda: Demo(options.data).run(), interrupted=130)


if __name__ == "__main__":
    sys.exit(main())
