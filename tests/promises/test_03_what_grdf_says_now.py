"""Promise 3: GRDF's present answer is what is stored: of two months in two mornings, of three years in a month."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import requests

from tests.promises.adapter import METERS, Town

PCE = METERS[0]


def test_the_first_run_reads_all_that_is_allowed_and_nothing_else(town: Town) -> None:
    town.connect("alder", PCE, back=1200)
    oldest = date(town.today.year - 3, town.today.month, town.today.day)
    days = town.days("alder", PCE)
    assert oldest <= min(days) <= oldest + timedelta(days=4)
    assert town.wrong("alder", PCE, min(days)) == []
    town.connect("birch", METERS[1], back=300, end=town.ago(100))
    days = town.days("birch", METERS[1])
    assert (min(days), max(days)) == (town.ago(300), town.ago(101))


@pytest.mark.parametrize("run_type", ["manual", "scheduled"])
def test_a_first_run_that_is_dated_in_the_past_reads_to_yesterday(town: Town, run_type: str) -> None:
    town.connect("alder", PCE, back=300, run=False)
    assert town.run("alder", run_type, town.ago(150)).well
    town.mornings()
    assert town.wrong("alder", PCE, town.ago(301)) == []


def test_a_change_within_two_months_is_stored_two_mornings_later(town: Town) -> None:
    town.odd(PCE, lines={"missing": [town.ago(ago) for ago in range(50, 57)]})
    town.connect("alder", PCE, back=100)
    town.mornings(2)
    for ago in (2, 9, 31, 60):
        town.correct(PCE, town.ago(ago), 200 + ago)
    town.odd(PCE, lines={"missing": []})
    since = town.ago(60)
    town.mornings(2)
    assert town.days("alder", PCE).items() >= town.grdf_days(PCE, since, town.ago(3)).items()
    assert town.wrong_totals() == []


def test_a_right_that_reaches_further_back_is_read_as_far(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=60)
    town.mornings(2)
    town.change_right(right, perim_donnees_conso_debut=str(town.ago(500)))
    first, since = town.ago(500), len(town.asked)
    town.mornings(3)
    assert town.days("alder", PCE).items() >= town.grdf_days(PCE, first, town.ago(3)).items()
    assert [each.days()[0] for each in town.calls("informatives", since=since)].count(first) == 1, "once"


def test_a_right_that_has_a_later_first_day_now_and_then_loses_no_day(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=1000)
    first, since = town.ago(1000), len(town.asked)
    for number in range(6):
        named = first if number % 2 else town.ago(30)
        town.change_right(right, perim_donnees_conso_debut=str(named))
        town.mornings()
    assert min(town.days("alder", PCE)) == first
    asked = town.calls("informatives", since=since)
    assert len(asked) == 6
    assert all(each.days()[0] > town.ago(80) for each in asked)


def test_a_range_of_the_past_is_read_by_hand_at_once(town: Town) -> None:
    town.connect("alder", PCE, back=900)
    old = [town.ago(ago) for ago in (100, 500, 800)]
    for day in old:
        town.correct(PCE, day, 333)
    first, end, since = town.ago(850), town.ago(90), len(town.asked)
    assert town.history(first, end, "alder", definitive=True).state == "success"
    assert [each.days() for each in town.calls(since=since)] == [(first, end)], "one call"
    assert [town.days("alder", PCE)[day] for day in old] == [333, 333, 333]
    assert town.wrong_totals() == []


def test_a_change_of_the_last_three_years_is_stored_a_month_later(town: Town) -> None:
    old, hole = [town.ago(ago) for ago in (90, 400, 800)], [town.ago(ago) for ago in range(130, 144)]
    town.odd(PCE, lines={"missing": hole})
    town.connect("alder", PCE, back=900)
    first = town.ago(900)
    town.mornings(2)
    town.pass_(days=30)
    town.mornings(2)
    for day in old:
        town.correct(PCE, day, 333)
    town.odd(PCE, lines={"missing": []})
    town.mornings(31)
    assert town.wrong("alder", PCE, first) == []


def test_new_days_come_though_grdf_gives_no_long_answer(town: Town) -> None:
    town.connect("alder", PCE, back=400)
    town.mornings(3)

    def short(body: bytes) -> bytes:
        if body.count(b"\n") > 200:
            raise requests.ReadTimeout
        return body

    town.fault(short, "/donnees_consos_informatives", times=10**6)
    town.mornings(32)
    assert max(town.days("alder", PCE)) >= town.ago(5)


def test_an_answer_that_was_cut_is_not_all_that_there_is(town: Town) -> None:
    town.fault(lambda body: body[: len(body) // 2], "/donnees_consos_informatives", times=1)
    town.connect("alder", PCE, back=400)
    town.mornings(2)
    assert town.wrong("alder", PCE, town.ago(400)) == []
