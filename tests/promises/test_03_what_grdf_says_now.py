"""Promise 3: what GRDF says now is what is stored: two mornings later for two months, a month later for three years."""

from __future__ import annotations

from datetime import date, timedelta

import requests

from tests.promises.adapter import METERS, Town

PCE = METERS[0]


def test_the_first_run_reads_all_that_is_allowed_and_nothing_else(town: Town) -> None:
    town.connect("alder", PCE, back=1200)
    oldest = date(town.today.year - 3, town.today.month, town.today.day)
    days = town.days("alder", PCE)
    assert oldest <= min(days) <= oldest + timedelta(days=4)
    assert town.wrong_days("alder", PCE, min(days)) == []
    town.connect("birch", METERS[1], back=300, end=town.ago(100))
    days = town.days("birch", METERS[1])
    assert (min(days), max(days)) == (town.ago(300), town.ago(101))


def test_a_change_within_two_months_is_stored_two_mornings_later(town: Town) -> None:
    town.odd(PCE, lines={"missing": [town.ago(ago) for ago in range(50, 57)]})
    town.connect("alder", PCE, back=100)
    town.mornings(2)
    for ago in (2, 9, 31, 60):
        town.correct(PCE, town.ago(ago), 200 + ago)
    town.odd(PCE, lines={"missing": []})
    since = town.ago(60)
    town.mornings(2)
    assert town.days("alder", PCE).items() >= town.says(PCE, since, town.ago(3)).items()
    assert town.wrong_totals() == []


def test_a_right_that_reaches_further_back_is_read_as_far(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=60)
    town.mornings(2)
    town.change_right(right, perim_donnees_conso_debut=str(town.ago(500)))
    first = town.ago(500)
    town.mornings(3)
    assert town.days("alder", PCE).items() >= town.says(PCE, first, town.ago(3)).items()


def test_a_range_of_the_past_is_read_by_hand_at_once(town: Town) -> None:
    town.connect("alder", PCE, back=900)
    old = [town.ago(ago) for ago in (100, 500, 800)]
    for day in old:
        town.correct(PCE, day, 333)
    assert town.history(town.ago(850), town.ago(90), "alder", definitive=True).state == "success"
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
    assert town.wrong_days("alder", PCE, first) == []
    assert town.wrong_totals() == []


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
    assert town.wrong_days("alder", PCE, town.ago(400)) == []
