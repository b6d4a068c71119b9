"""Promise 1: a total is the exact sum of the stored days, whatever GRDF changes and however a load ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.promises.adapter import DAYS, METERS, MONTHS, YEARS, Town

PCE = METERS[0]


def test_what_grdf_corrects_withdraws_and_sends_again(town: Town) -> None:
    town.connect("alder", PCE, back=420)
    assert town.wrong("alder", PCE, town.ago(420)) == []
    assert len(town.days("alder", PCE)) > 400
    town.correct(PCE, town.ago(3), 0)
    town.correct(PCE, town.ago(20), 123)
    town.correct(PCE, date(2026, 3, 1), 17.5)
    town.correct(PCE, date(2026, 2, 28), None)
    town.odd(PCE, lines={"duplicate": [town.ago(4), town.ago(5)]})
    town.mornings(2)
    now = town.days("alder", PCE)
    assert (now[date(2026, 4, 17)], now[date(2026, 3, 31)], now[date(2026, 3, 1)]) == (0, 123, 17.5)
    assert town.wrong_totals() == []
    town.odd(PCE, lines={"duplicate": []})
    for ago in (100, 200, 400):
        town.correct(PCE, town.ago(ago), 5 + ago)
    town.history(town.ago(419), town.ago(60), definitive=True)
    town.history(town.ago(419), town.ago(60), definitive=True)
    now = town.days("alder", PCE)
    assert [now[town.ago(ago)] for ago in (100, 200, 400)] == [105, 205, 405]
    assert town.wrong_totals() == []


def test_a_load_killed_at_any_of_its_requests(town: Town) -> None:
    town.connect("alder", PCE, back=12, run=False)
    before, kills = town.backup(), 0
    for number in range(1, 150, 4):
        town.restore(before)
        town.kill_at(number)
        ended = town.run("alder", tries=1)
        town.calm()
        if ended.state != "killed":  # it needs no more requests
            break
        kills += 1
        assert town.run("alder").state == "success"
        assert town.wrong("alder", PCE, town.ago(12)) == [], number
    assert kills > 5, "it was killed many times"


def test_an_answer_of_couchdb_lost_at_any_write(town: Town) -> None:
    town.connect("alder", PCE, back=40)
    for number in range(12):
        town.correct(PCE, town.ago(10 + number), 50 + number)
        town.correct(PCE, town.ago(31), 90 + number)
        town.fault("lost", after=number, couchdb=True)
        town.run("alder")
        town.calm()
        assert town.days("alder", PCE)[town.ago(31)] == 90 + number
        assert town.wrong_totals() == [], number


def test_two_runs_at_the_same_time(new_town: Callable[..., Town]) -> None:
    town = new_town(reread_days=5)
    town.connect("alder", PCE, back=40)
    first = town.ago(40)
    town.mornings()
    for number in range(10):
        past, present = town.ago(16), town.ago(4)
        town.correct(PCE, past, 100 + number)
        town.correct(PCE, present, 200 + number)
        town.at_once(
            (0, lambda: town.history(town.ago(18), town.ago(14), definitive=True)),
            (number / 2, lambda: town.run("alder")),
            latency=0.5,
        )
        days = town.days("alder", PCE)
        assert (days[past], days[present]) == (100 + number, 200 + number)
        assert town.wrong_totals() == [], number
    assert town.wrong("alder", PCE, first) == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("correct", "withdraw", "run", "history", "kill", "morning", "backfill")),
        st.integers(1, 45),
        st.integers(0, 30),
    ),
    min_size=2, max_size=7,
)  # fmt: skip


@settings(
    max_examples=8, derandomize=True, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck)
)
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order(new_town: Callable[..., Town], steps: list[tuple[str, int, int]]) -> None:
    town = new_town(date(2026, 1, 20))
    town.connect("alder", PCE, METERS[1], back=45)
    for what, ago, number in steps:
        day = town.ago(ago)
        if what in ("correct", "withdraw"):
            town.correct(PCE, day, None if what == "withdraw" else number)
        elif what == "history":
            town.history(day, day + timedelta(days=number + 1), "alder", definitive=True, tries=1)
        elif what == "backfill":
            town.backfill("alder", day, day + timedelta(days=1))
        elif what == "morning":
            town.mornings()
        else:
            town.kill_at(number + 1 if what == "kill" else 1000)
            town.run("alder", tries=1)
            town.calm()
        assert town.wrong_totals() == [] or what == "kill", steps
    town.mornings(2)
    assert town.wrong_totals() == [], steps
    assert {key.split(":")[0] for at in (DAYS, MONTHS, YEARS) for key in town.documents(at)} == {"alder"}


def test_what_retention_has_removed_stays_summed(new_town: Callable[..., Town]) -> None:
    town = new_town(date(2026, 1, 20), days_kept_years=3)
    town.connect("alder", PCE, back=1090)
    town.until(date(2026, 12, 16), 9)
    town.fault("down", "com-grandlyon-grdf-day", couchdb=True)
    failed = town.run("alder", "scheduled", tries=1)
    assert failed.state == "failed"
    town.calm()
    town.mornings(2)

    def closed() -> dict[str, Any]:
        both = {**town.documents(MONTHS), **town.documents(YEARS)}
        return {key: (total["load"], total["days"]) for key, total in both.items() if ":2023" in key}

    before = closed()
    assert len(before) == 13
    town.until(date(2027, 1, 3), 3, 40)
    assert town.run_dag("grdf_retention", params={"dry_run": False}).well
    assert min(town.days("alder", PCE)).year == 2024
    assert town.clear("alder", failed).well
    assert closed() == before
    assert min(town.days("alder", PCE)).year == 2024
    town.mornings()
    assert closed() == before
