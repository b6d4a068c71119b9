"""Promise 2: a missing day has no document and is never 0; a bad line never loses the good ones, and is counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.promises.adapter import DAYS, METERS, MONTHS, Town

PCE, OTHER = METERS[0], METERS[1]


def test_a_missing_day_is_no_zero_and_a_zero_is_no_missing_day(town: Town) -> None:
    null, zero, none, measured = (town.ago(ago) for ago in (10, 11, 12, 13))
    town.odd(PCE, lines={"absent_null": [null], "absent_zero": [zero], "missing": [none]})
    town.correct(PCE, measured, 0)
    town.connect("alder", PCE, back=30)
    days = town.days("alder", PCE)
    assert not {null, zero, none} & days.keys()
    assert days[measured] == 0
    assert town.wrong("alder", PCE, town.ago(30)) == []
    month = town.documents(MONTHS)[f"alder:{PCE}:{measured:%Y-%m}"]
    assert month["days"] == sum(day.month == measured.month for day in days)
    assert town.wrong_totals() == []
    town.odd(PCE, lines={"absent_null": [], "absent_zero": [], "missing": []})
    town.mornings(2)
    assert {null, zero, none} <= town.days("alder", PCE).keys()
    assert town.wrong_totals() == []


def test_a_bad_line_is_left_out_and_counted_and_the_good_ones_are_stored(town: Town) -> None:
    bad = [town.ago(ago) for ago in (5, 9, 14)]
    town.odd(PCE, lines={"broken": bad, "duplicate": [town.ago(7)]}, layout=["missing_bracket"])
    town.connect("alder", PCE, OTHER, back=30, run=False)
    ended = town.run("alder")
    assert ended.result["extract"]["counts"]["broken"] >= len(bad)
    assert town.wrong("alder", PCE, town.ago(30)) == []
    assert not set(bad) & town.days("alder", PCE).keys()
    assert town.wrong("alder", OTHER, town.ago(30)) == []
    town.odd(PCE, lines={"broken": [], "duplicate": []}, layout=[])
    ended = town.mornings(2)["alder"]
    assert not ended.result["extract"]["counts"].get("broken")
    assert set(bad) <= town.days("alder", PCE).keys()


def test_a_line_about_another_meter_is_not_stored(town: Town) -> None:
    def foreign(body: bytes) -> bytes:
        return body + body.replace(PCE.encode(), OTHER.encode()).replace(b'"energie":', b'"energie":9')

    town.fault(foreign, "informatives", times=99)
    town.connect("alder", PCE, back=30)
    assert {key.split(":")[1] for key in town.documents(DAYS)} == {PCE}
    assert town.wrong("alder", PCE, town.ago(30)) == []


def test_what_grdf_could_not_send_comes_with_a_later_run(town: Town) -> None:
    town.odd(PCE, lines={"partial": {"from": str(town.ago(12)), "times": 4}})
    town.connect("alder", PCE, back=30)
    few = town.days("alder", PCE)
    assert set(few) >= {town.ago(30) + timedelta(days=number) for number in range(18)}
    town.mornings(3)
    assert town.days("alder", PCE).items() >= town.grdf_days(PCE, town.ago(30), town.ago(3)).items()
    assert town.wrong_totals() == []


@pytest.mark.parametrize(
    "layout",
    [
        ["glued"], ["pretty"], ["nbsp", "bom"], ["blank_lines", "status_line"], ["missing_bracket"],
        ["glued", "pretty", "truncated"], ["envelope"],
    ],
    ids="-".join,
)  # fmt: skip
def test_however_grdf_lays_out_its_answers(town: Town, layout: list[str]) -> None:
    town.odd(PCE, layout=layout)
    town.connect("alder", PCE, back=30)
    town.mornings()
    assert town.days("alder", PCE).items() >= town.grdf_days(PCE, town.ago(30), town.ago(3)).items()
    assert town.wrong_totals() == []
