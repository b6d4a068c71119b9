"""After any run, whether repeated, correcting, interrupted or doubled, months and years are the sums of their days."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.days.gas_day import gas_day_of
from include.gas.days.windows import oldest_allowed
from tests.helpers import known_account
from tests.runs.proxy import Proxy
from tests.runs.runner import worker
from tests.runs.shelves import assert_as_grdf, assert_totals, data_revisions, days, loads, shelf

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

WIDE = {"AIRFLOW__GRDF__REREAD_DAYS": "450"}


def run_day(world: LocalWorld) -> date:
    return gas_day_of(world.control.now()) - timedelta(days=1)


def test_correction_in_a_past_year_reaches_its_totals(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    last = run_day(world)
    (pce,) = known_account(world, account_id)
    assert airflow.run(account_id, env=WIDE).state == "success"
    before = loads(world, account_id, pce)
    corrected = date(last.year - 1, 12, 15)
    day, month, year = corrected.isoformat(), corrected.isoformat()[:7], str(corrected.year)
    revisions = data_revisions(world, account_id)
    world.control.correct(pce, corrected, before[day] + 5.5)

    narrow = airflow.run(account_id, env={"AIRFLOW__GRDF__REREAD_DAYS": "5"})
    assert narrow.state == "success", narrow.output
    assert data_revisions(world, account_id) == revisions, "its window does not reach that day"
    run = airflow.run(account_id, env=WIDE)

    assert run.state == "success", run.output
    after = loads(world, account_id, pce)
    assert {period for period in after if after[period] != before[period]} == {day, month, year}
    assert after[year] == before[year] + 5.5
    assert after[month] == before[month] + 5.5
    assert_as_grdf(world, account_id, pce, last)
    changed = {name for name, revision in data_revisions(world, account_id).items() if revision != revisions.get(name)}
    assert len(changed) == 3, "one day, one month, one year; each is still one document"
    assert f"the total of {year} was computed anew" in run.output

    again = data_revisions(world, account_id)
    assert airflow.run(account_id, env=WIDE).state == "success"
    assert data_revisions(world, account_id) == again


def test_the_seeds_example(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    """A year with a total of 76.712 has 82.212 after one more day has been read, and there is still one document."""
    last = date(run_day(world).year - 1, 9, 20)
    (pce,) = known_account(world, account_id, conso_debut=(last - timedelta(days=2)).isoformat())
    for ago, load in ((2, 40.5), (1, 36.212)):
        world.control.correct(pce, last - timedelta(days=ago), load)
    assert airflow.run(account_id, last - timedelta(days=1)).state == "success"
    years = shelf(world).documents("com.grandlyon.grdf.year", account_id, pce)
    assert [document["load"] for document in years] == [76.712]
    world.control.correct(pce, last, 5.5)

    run = airflow.run(account_id, last)

    assert run.state == "success", run.output
    assert f"the total of {last.year} was computed anew" in run.output
    years = shelf(world).documents("com.grandlyon.grdf.year", account_id, pce)
    assert [(document["load"], document["days"]) for document in years] == [(82.212, 3)]
    assert_totals(world, account_id, pce)


def test_a_year_of_the_konnectors_sum_is_replaced(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    """A total without stored days is replaced by the sum of those that are stored."""
    (pce,) = known_account(world, account_id, conso_debut=(run_day(world) - timedelta(days=60)).isoformat())
    assert airflow.run(account_id).state == "success"
    good = loads(world, account_id, pce)
    for doctype in ("com.grandlyon.grdf.year", "com.grandlyon.grdf.month"):
        for document in shelf(world).documents(doctype, account_id, pce):
            _put(world, doctype, document | {"load": 76.712, "days": 1})

    assert airflow.run(account_id).state == "success"

    assert loads(world, account_id, pce) == good
    assert_totals(world, account_id, pce)


def test_weeks_outage_heals_with_one_call_per_meter(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    last = run_day(world)
    pces = known_account(world, account_id, meters=2)
    assert airflow.run(account_id, last - timedelta(days=8)).state == "success"
    before = data_revisions(world, account_id)
    world.control.fault("/adict/v2", status=503, times=None)
    for ago in range(7, 0, -1):
        failed = airflow.run(account_id, last - timedelta(days=ago))
        assert failed.state == "failed"
        assert failed.tasks["extract"] == "failed"
    assert data_revisions(world, account_id) == before
    assert (world.book.get(account_id) or {})["state"] == "VENDOR_DOWN"
    world.control.set(faults=[])

    run = airflow.run(account_id)

    assert run.state == "success", run.output
    assert [call["pce"] for call in run.data_calls] == list(pces)
    assert len(run.calls) == 2
    assert run.data_calls[0]["query"]["date_debut"] <= (last - timedelta(days=7 + 62)).isoformat()
    today = world.control.today()
    for pce in pces:
        ours = days(world, account_id, pce)
        expected = world.control.expected(pce, oldest_allowed(today), today)
        assert ours == {day: load for day, load in expected.items() if day <= last.isoformat()}
        assert_totals(world, account_id, pce)
    assert not (world.book.get(account_id) or {}).get("state"), "all is well again"


def test_outage_that_passes_is_retried_within_the_run(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    (pce,) = known_account(world, account_id)
    world.control.fault("/donnees_consos", status=503, times=1)
    world.control.fault("/donnees_consos", status=429, times=1, retry_after=1)

    run = airflow.run(account_id, env={"AIRFLOW__GRDF__RETRIES": "2", "AIRFLOW__GRDF__RETRY_SECONDS": "1"})

    assert run.state == "success", run.output
    assert [call["status"] for call in run.data_calls] == [503, 429, 200]
    assert not (world.book.get(account_id) or {}).get("state")
    assert_totals(world, account_id, pce)


@pytest.mark.parametrize("changed", [date(2026, 3, 29), date(2025, 10, 26)], ids=["23h", "25h"])
def test_days_of_the_clock_changes(world: LocalWorld, airflow: Worker, account_id: str, changed: date) -> None:
    """A run for a single gas day of 23 or 25 hours treats it like any other day."""
    long_day = changed - timedelta(days=1)
    first = changed - timedelta(days=10)
    (pce,) = known_account(world, account_id, conso_debut=first.isoformat())
    assert airflow.run(account_id, long_day - timedelta(days=1)).state == "success"

    run = airflow.run(account_id, long_day, env={"AIRFLOW__GRDF__REREAD_DAYS": "0"})

    assert run.state == "success", run.output
    assert run.data_calls[0]["query"] == {"date_debut": long_day.isoformat(), "date_fin": changed.isoformat()}
    assert days(world, account_id, pce) == world.control.expected(pce, first, changed)
    around = airflow.run(account_id, changed + timedelta(days=1), env={"AIRFLOW__GRDF__REREAD_DAYS": "4"})
    assert around.state == "success"
    assert days(world, account_id, pce) == world.control.expected(pce, first, changed + timedelta(days=2))
    assert_totals(world, account_id, pce)


def test_absent_days_have_no_document_and_a_measured_0_has_one(
    world: LocalWorld, airflow: Worker, account_id: str
) -> None:
    last = run_day(world)
    (pce,) = known_account(world, account_id)
    null, zero, missing, broken, true_zero, spoilt, wild = (
        (last - timedelta(days=ago)).isoformat() for ago in (20, 21, 22, 23, 24, 25, 26)
    )
    world.control.correct(pce, true_zero, 0, "Mesuré")
    world.control.set_quirks(
        pce,
        layout=["glued", "nbsp", "status_line", "truncated"],
        lines={
            "absent_null": [null],
            "absent_zero": [zero],
            "missing": [missing],
            "broken": {broken: -3, spoilt: True, wild: "12,5 kWh"},
            "foreign": True,
            "duplicate": [(last - timedelta(days=30)).isoformat()],
        },
    )

    run = airflow.run(account_id)

    assert run.state == "success", run.output
    ours = days(world, account_id, pce)
    assert not {null, zero, missing, broken, spoilt, wild} & ours.keys()
    assert ours[true_zero] == 0
    assert_totals(world, account_id, pce)
    assert "lines that were left out" in run.output, "never silently"
    world.control.set_quirks(pce)
    assert airflow.run(account_id).state == "success"
    assert {null, zero, missing, broken, spoilt, wild} <= days(world, account_id, pce).keys(), "they came at last"
    assert_totals(world, account_id, pce)


def test_a_day_that_grdf_withdraws_stays_as_it_was_read(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    (pce,) = known_account(world, account_id)
    assert airflow.run(account_id).state == "success"
    before = data_revisions(world, account_id)
    world.control.correct(pce, run_day(world) - timedelta(days=9), None)

    assert airflow.run(account_id).state == "success"

    assert data_revisions(world, account_id) == before
    assert_totals(world, account_id, pce)


# -- interrupted -------------------------------------------------------------------------------------------------------


class Interrupted:
    """An account whose load can be repeated, with its staged answers and a load that is killed at a CouchDB request."""

    def __init__(self, world: LocalWorld, steps: Worker, account: str, folder: Path, reread: int = 62) -> None:
        self.world, self.steps, self.account, self.folder = world, steps, account, folder
        self.env = {
            "AIRFLOW__GRDF__STAGING_URL": f"file://{folder / 'staging'}",
            "AIRFLOW__GRDF__REREAD_DAYS": str(reread),
        }

    def extract(self) -> dict[str, Any]:
        answer = self.steps.ask(
            "run_step", self.env, step="extract", account=self.account, day=run_day(self.world).isoformat()
        )
        return dict(answer["result"])

    def load(
        self, staged: dict[str, Any], when: Callable[[int, str], bool] = lambda _number, _line: False
    ) -> tuple[dict[str, Any], list[str]]:
        """Execute ``load``, and kill it after a certain request has been carried out. Return outcome and requests."""
        pid = self.folder / "pid"
        couch = json.loads(self.world.connections()["AIRFLOW_CONN_COUCHDB"])

        def kill() -> None:
            os.kill(int(pid.read_text(encoding="ascii")), signal.SIGKILL)

        with Proxy(self.world.couch.url, when, kill).running() as proxy:
            env = self.env | {"AIRFLOW_CONN_COUCHDB": json.dumps(couch | {"port": proxy.port})}
            answer = self.steps.ask(
                "run_step",
                env,
                step="load",
                account=self.account,
                day=run_day(self.world).isoformat(),
                pid_to=str(pid),
                staged=staged,
            )
            return answer, proxy.lines


def test_load_killed_at_any_request_is_healed_by_its_repetition(
    world: LocalWorld, steps: Worker, account_id: str, tmp_path: Path
) -> None:
    """A load with a correction of a past year and new days is killed at each request in turn, then repeated."""
    (pce,) = known_account(world, account_id)
    case = Interrupted(world, steps, account_id, tmp_path, reread=400)
    assert case.load(case.extract())[0]["result"]
    first = run_day(world) - timedelta(days=399)  # the second day that is requested
    kinds: set[str] = set()
    for at in range(1, 40):
        for day in (first, run_day(world)):
            world.control.correct(pce, day, 1000 + at + 0.125)
        staged = case.extract()
        died, lines = case.load(staged, lambda number, _line, at=at: number == at)
        if died["signal"] is None:
            assert "result" in died, died
            assert at > 6, "it was to be killed more often than that"
            break
        assert died["signal"] == signal.SIGKILL
        kinds.add(lines[-1].rpartition("/")[2])
        repeated, _ = case.load(staged)
        assert "result" in repeated, repeated
        assert_as_grdf(world, account_id, pce, run_day(world))
    assert {"_bulk_docs", "_all_docs"} <= kinds


def test_first_launch_killed_between_days_and_totals_is_healed_by_the_next_run(
    world: LocalWorld, steps: Worker, airflow: Worker, account_id: str, tmp_path: Path
) -> None:
    (pce,) = known_account(world, account_id, history=False)
    case = Interrupted(world, steps, account_id, tmp_path)
    died, lines = case.load(case.extract(), days_written)
    assert died["signal"] == signal.SIGKILL, lines
    assert len(days(world, account_id, pce)) > 1000
    assert len(loads(world, account_id, pce)) == len(days(world, account_id, pce)), "days, and no total yet"

    assert airflow.run(account_id).state == "success"

    assert_as_grdf(world, account_id, pce, run_day(world))


def test_long_gap_over_new_year_killed_between_days_and_totals_is_healed_by_the_next_run(
    world: LocalWorld, steps: Worker, airflow: Worker, account_id: str, tmp_path: Path
) -> None:
    """The account has been paused since last year. The killed load is not retried, but the next run happens."""
    (pce,) = known_account(world, account_id)
    long_ago = date(run_day(world).year - 1, 11, 20)
    assert airflow.run(account_id, long_ago, env={"AIRFLOW__GRDF__REREAD_DAYS": "5"}).state == "success"
    case = Interrupted(world, steps, account_id, tmp_path)
    died, lines = case.load(case.extract(), days_written)
    assert died["signal"] == signal.SIGKILL, lines

    assert airflow.run(account_id, env=case.env).state == "success"

    assert_totals(world, account_id, pce)


def days_written(number: int, line: str) -> bool:
    """Return the request that writes the days."""
    return line == "POST /com-grandlyon-grdf-day/_bulk_docs"


# -- doubled -----------------------------------------------------------------------------------------------------------


def test_two_loads_of_one_account_at_once(
    world: LocalWorld, steps: Worker, airflow: Worker, account_id: str, tmp_path: Path
) -> None:
    """Two processes repeatedly load what two runs have read at different times. The later reading stays."""
    (pce,) = known_account(world, account_id)
    last = run_day(world)
    case = Interrupted(world, steps, account_id, tmp_path, reread=400)
    corrected = [last - timedelta(days=ago) for ago in (399, 300, 2)]
    with worker(tmp_path / "second.log", world) as other:
        for turn in range(6):
            staged = []
            for number in (1, 2):
                for day in corrected:
                    world.control.correct(pce, day, turn * 10 + number + 0.5)
                answer = steps.ask(
                    "run_step",
                    case.env,
                    step="extract",
                    account=account_id,
                    day=last.isoformat(),
                    run_id=f"{turn}-{number}",
                )
                staged.append(answer["result"])
                time.sleep(0.01)
            with ThreadPoolExecutor(2) as pool:
                jobs = [
                    pool.submit(
                        who.ask,
                        "run_step",
                        case.env,
                        step="load",
                        account=account_id,
                        day=last.isoformat(),
                        staged=what,
                    )
                    for who, what in zip((steps, other), staged, strict=True)
                ]
                outcomes = [job.result() for job in jobs]
            assert all("result" in outcome for outcome in outcomes), outcomes
            ours = days(world, account_id, pce)
            assert {ours[day.isoformat()] for day in corrected} == {turn * 10 + 2.5}, "the later reading stays"
            assert_totals(world, account_id, pce)


def _put(world: LocalWorld, doctype: str, document: dict[str, Any]) -> None:
    import requests

    from include.gas.documents.gas_days import database_name

    answer = requests.put(
        f"{world.couch.url}/{database_name(doctype)}/{document['_id']}",
        json=document,
        auth=(world.couch.user, world.couch.password),
        timeout=30,
    )
    answer.raise_for_status()
