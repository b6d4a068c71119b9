"""Periods whose start GRDF has moved: the former version counts no more once a whole answer names another instead."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from include.gas.answers.consumption.published import read_published
from include.gas.days.windows import Window
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.billing.period_gaps import open_stretches
from include.gas.documents.billing.period_totals import period_totals
from include.gas.documents.billing.periods import (
    merge_period,
    named_again,
    newest_period,
    period_document,
    readable_periods,
)

PCE = "09900000000017"
YEAR = Window(date(2025, 1, 1), date(2025, 12, 1))
Row = tuple[str, str, int | None]
OLD, NEW, NEXT = ("01-02", "07-01", 6000), ("01-20", "07-01", 4000), ("07-01", "10-01", 900)
BROKEN = '{"pce": {"id_pce": "09900000000017"}, "consomm'


class Meter:
    """What is stored of a meter, as the monthly reading stores it. Each answer comes a month after the one before."""

    def __init__(self) -> None:
        self.docs: dict[str, dict[str, Any]] = {}
        self.month = 1

    def reads(self, *rows: Row, window: Window = YEAR, more: str = "") -> Meter:
        self.month += 1
        body = "\n".join([*map(line, rows), more])
        answer = read_published(body, account="a", pce=PCE, window=window, today=date(2025, 12, 1))
        fresh = [period_document("a", PCE, period, f"2026-{self.month:02}-01T10:00:00Z") for period in answer.rows]
        again = named_again(self.docs.values(), fresh)
        for new in fresh:
            if merged := merge_period(self.docs.get(new["_id"]), new, again=new["_id"] in again):
                self.docs[new["_id"]] = merged
        return self

    @property
    def firsts(self) -> list[str]:
        """Those that count."""
        return sorted(f"{period.first:%m-%d}" for period in readable_periods(self.docs.values()))

    @property
    def load(self) -> int:
        return sum(year["load"] for year in period_totals("a", PCE, self.docs.values())[1])


def line(row: Row) -> str:
    first, end, energy = row
    use = {"date_debut_consommation": f"2025-{first}", "date_fin_consommation": f"2025-{end}", "energie": energy}
    return json.dumps({"pce": {"id_pce": PCE}, "consommation": use})


def test_the_former_version_of_a_first_period_counts_no_more() -> None:
    meter = Meter().reads(OLD, NEXT).reads(NEW, NEXT)
    documents = list(meter.docs.values())
    assert (meter.firsts, meter.load) == (["01-20", "07-01"], 4900)
    assert len(documents) == 3, "the other one may turn out to be the next household's"
    assert open_stretches(documents, [YEAR]) == [Window(YEAR.first, date(2025, 1, 20))]
    day = {"_id": f"a:{PCE}:2025-01-02", "year": 2025, "month": 1, "day": 2, "load": 3}
    assert [each.first for each in compare_all(documents, [day])] == [date(2025, 1, 20), date(2025, 7, 1)]
    moved = Meter().reads(NEXT).reads(("06-15", "10-01", 950))
    newest = newest_period(moved.docs.values())
    assert newest is not None
    assert newest.first == date(2025, 6, 15)


def test_what_grdf_takes_back_again_comes_back() -> None:
    meter = Meter().reads(OLD, NEXT).reads(NEW, NEXT).reads(OLD, NEXT)
    assert (meter.firsts, meter.load) == (["01-02", "07-01"], 6900)


def test_a_boundary_between_two_periods_moves() -> None:
    meter = Meter().reads(OLD, NEXT).reads(("01-02", "06-15", 5900), ("06-15", "10-01", 1000))
    assert (meter.firsts, meter.load) == (["01-02", "06-15"], 6900)


@pytest.mark.parametrize("more", ["", BROKEN])
def test_a_wrong_one_beside_a_right_one_that_stays_the_same(more: str) -> None:
    """GRDF names it once, and then only the right one again. That one is written once more, and never again."""
    wrong = ("01-05", "07-01", 9000)
    meter = Meter().reads(OLD, NEXT).reads(wrong, NEXT, more=more).reads(OLD, NEXT)
    assert (meter.firsts, meter.load) == (["01-02", "07-01"], 6900)
    before = {key: dict(each) for key, each in meter.docs.items()}
    meter.reads(OLD, NEXT).reads(OLD, NEXT)
    assert meter.docs == before


@pytest.mark.parametrize("rows", [(NEW, NEXT), (("06-15", "10-01", 1000),)])
def test_an_answer_that_is_not_whole_takes_nothing_away(rows: tuple[Row, ...]) -> None:
    meter = Meter().reads(OLD, NEXT).reads(*rows, more=BROKEN)
    assert {"01-02", "07-01"} < set(meter.firsts)
    assert meter.load == 6900
    meter.reads(*rows)
    assert "asked_from" in meter.docs[f"a:{PCE}:2025-{rows[0][0]}"], "the same figures, and now it is sure"
    assert "01-02" not in meter.firsts


def test_periods_that_grdf_names_together_stay() -> None:
    meter = Meter().reads(OLD, NEXT).reads(OLD, NEW, NEXT).reads(OLD, NEW, NEXT)
    assert (meter.firsts, meter.load) == (["01-02", "01-20", "07-01"], 6900)
    assert Meter().reads(OLD, NEW).reads(NEW, OLD).firsts == ["01-02", "01-20"]
    assert Meter().reads(OLD, NEW, NEXT).reads(NEW, NEXT).firsts == ["01-20", "07-01"], "until it names one alone"


def test_one_that_begins_before_what_was_asked_for_stays() -> None:
    moved = ("06-15", "10-01", 1000)
    meter = Meter().reads(OLD, NEXT).reads(moved, window=Window(date(2025, 5, 1), YEAR.end))
    assert (meter.firsts, meter.load) == (["01-02", "06-15"], 6000)
    meter.reads(moved)
    assert meter.firsts == ["06-15"], "all days were asked for"


def test_one_that_is_named_without_an_energy_is_not_withdrawn() -> None:
    meter = Meter().reads(OLD, NEXT).reads(("01-02", "07-01", None), NEW, NEXT)
    assert {"01-02", "01-20"} < set(meter.firsts)
    assert Meter().reads(NEXT).reads(("06-15", "10-01", 1), ("10-01", "11-01", None)).firsts == ["06-15"]


@pytest.mark.parametrize("damage", [{"asked_from": "soon"}, {"asked_from": 7}, {"end": None}])
def test_a_damaged_document_replaces_none(damage: dict[str, Any]) -> None:
    meter = Meter().reads(OLD, NEXT).reads(NEW, NEXT)
    meter.docs[f"a:{PCE}:2025-01-20"] |= damage
    assert meter.load == 6900
    assert meter.reads(NEW, NEXT).firsts == ["01-20", "07-01"], "the next reading mends it"


@pytest.mark.parametrize("moment", [7, None])
def test_one_that_says_no_moment_counts_as_the_oldest(moment: Any) -> None:
    meter = Meter().reads(OLD, NEXT)
    meter.docs[f"a:{PCE}:2025-01-02"]["read_at"] = moment
    assert meter.reads(NEW, NEXT).firsts == ["01-20", "07-01"]
