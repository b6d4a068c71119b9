"""Promise 18: first launch in the shapes that others leave, backfills, re-reading, ``./grdf run``, the konnector."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.promises import stack_adapter as product
from tests.promises.stack import CODE, COZY, DATA, KONNECTOR, PEOPLE, SINCE, Stack, dag_of, wait

ONE = timedelta(days=1)
DAY, MONTH, YEAR = DATA


def check_totals(figures: dict[str, float]) -> None:
    for length in (4, 7):
        sums: dict[str, Fraction] = {}
        for period, load in figures.items():
            if len(period) == 10:
                sums[period[:length]] = sums.get(period[:length], Fraction(0)) + Fraction(str(load))
        totals = {period: Fraction(str(load)) for period, load in figures.items() if len(period) == length}
        assert totals == sums


@pytest.mark.parametrize("account", [COZY, CODE], ids=["as cozy-stack leaves it", "a code to exchange"])
def test_a_first_launch_reads_all_that_the_household_opened(stack: Stack, account: str) -> None:
    (pce,) = PEOPLE[account].pces
    run = stack.first_run(account)
    assert run["state"] == "success", stack.log_of(run)
    figures, document = stack.stored(account, pce), stack.account(account)
    last = date.fromisoformat(run["data_interval_start"][:10])
    days = {period: load for period, load in figures.items() if len(period) == 10 and period <= f"{last}"}
    (opened,) = (each["perim_donnees_conso_debut"] for each in stack.grdf.consents() if each["id_pce"] == pce)
    expected = stack.grdf.expected(pce, date.fromisoformat(opened), last + ONE)
    assert days.keys() == expected.keys()
    assert len(days) > SINCE - 5
    check_totals(figures)
    assert document["oauth_callback_results"]["pce_id"] == pce
    assert "id_token" not in document["oauth_callback_results"]
    assert not {"access_token", "code", "nonce"} & set(document["oauth"])
    events = stack.api("GET", "/assets/events", params={"source_dag_id": dag_of(account)}).json()["asset_events"]
    announced = [(each["name"], each["extra"]) for each in events if each["source_run_id"] == run["dag_run_id"]]
    stored = sum(len(period) == 10 for period in figures)  # up to yesterday, maybe a day more than the run's
    assert announced == [("com.grandlyon.grdf.day", {"account": account, "changed": stored})]


def gas_day(day: date) -> tuple[str, str]:
    ends = (datetime.combine(each, time(6), ZoneInfo("Europe/Paris")) for each in (day, day + ONE))
    begin, end = (each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in ends)
    return begin, end


def hours(day: date) -> float:
    begin, end = (datetime.fromisoformat(each) for each in gas_day(day))
    return (end - begin) / timedelta(hours=1)


def test_a_backfill_reads_gas_days_of_23_and_25_hours(stack: Stack) -> None:
    who = product.person(91, "promise-backfilled")
    stack.connect(who, days=250)
    assert stack.first_run(who.account)["state"] == "success"
    back = (stack.yesterday() - timedelta(days=number) for number in range(5, 240))
    odd = next(day for day in back if hours(day) != 24)
    stack.grdf.correct(who.pces[0], odd, 77.5)
    done = stack.command(
        "airflow", "backfill", "create", "--dag-id", dag_of(who.account), "--reprocess-behavior", "completed",
        "--from-date", str(odd), "--to-date", str(odd + 2 * ONE), "--dag-run-conf", '{"include_definitive": true}',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]

    def over() -> list[dict[str, str]] | None:
        runs = [run for run in stack.airflow.runs(dag_of(who.account)) if run["run_type"] == "backfill"]
        return runs if len(runs) == 2 and all(run["state"] in ("success", "failed") for run in runs) else None

    runs = wait(over, "end of the backfill")
    assert {run["state"] for run in runs} == {"success"}, [stack.log_of(run) for run in runs]
    bounds = {(run["data_interval_start"], run["data_interval_end"]) for run in runs}
    assert bounds == {gas_day(odd), gas_day(odd + ONE)}
    figures = stack.stored(who.account, who.pces[0])
    assert figures[str(odd)] == pytest.approx(77.5, abs=0.5)
    check_totals(figures)


def test_an_account_in_the_foreground(stack: Stack) -> None:
    assert stack.first_run(COZY)["state"] == "success"
    (pce,) = PEOPLE[COZY].pces
    day = stack.yesterday() - timedelta(days=25)
    done = stack.command("run", COZY, "--from", str(day), "--to", str(day + ONE), "--json")
    assert done.returncode in (0, 3), done.stderr  # 3: the day is definitive, so that GRDF is not asked again
    assert COZY in json.dumps(json.loads(done.stdout)) + done.stderr
    assert pce not in done.stdout + done.stderr
    assert stack.command("run", COZY, "--json").returncode == 0
    check_totals(stack.stored(COZY, pce))
    unknown = stack.command("run", "promise-nobody")
    assert unknown.returncode == 1
    assert "promise-nobody" in unknown.stderr
    assert stack.command("run", COZY, "--from", "yesterday").returncode == 2


def left_by_konnector(day: date, load: float, number: int) -> dict[str, object]:
    made = {"createdByApp": "grdfgrandlyon", "sourceAccount": KONNECTOR, "createdAt": "2025-01-21T09:00:00.000Z"}
    when = {"year": day.year, "month": day.month, "day": day.day, "hour": 0, "minute": 0}
    return {"_id": f"{number:032x}", "load": load, **when, "cozyMetadata": made}


def test_what_the_konnector_left_is_adopted(stack: Stack) -> None:
    (pce,) = PEOPLE[KONNECTOR].pces
    assert stack.first_run(KONNECTOR)["state"] == "success"
    begin = stack.yesterday().replace(month=1, day=5) - timedelta(days=400)
    old = {begin + number * ONE: 10.25 + number for number in range(5)}
    for number, (day, load) in enumerate(old.items(), 1):
        stack.put(DAY, left_by_konnector(day, load, number))
    stack.put(MONTH, left_by_konnector(begin.replace(day=1), 999.0, 98))
    stack.put(YEAR, left_by_konnector(begin.replace(month=1, day=1), 1999.0, 99))
    assert stack.ran("grdf_adopt_konnector", account=KONNECTOR, dry_run=True)["state"] == "success"
    assert not set(map(str, old)) & stack.days(KONNECTOR, pce).keys(), "it was a dry run"
    run = stack.ran("grdf_adopt_konnector", account=KONNECTOR, dry_run=False)
    assert run["state"] == "success", stack.log_of(run)
    figures = stack.stored(KONNECTOR, pce)
    assert {day: figures.get(str(day)) for day in old} == old
    check_totals(figures)
    assert not [each["_id"] for name in DATA for each in stack.documents(name) if each["_id"].startswith("0000")]
    assert pce not in stack.log_of(run)
