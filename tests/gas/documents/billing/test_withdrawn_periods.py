"""Periods that go: GRDF has moved their start and names others instead, or they are another household's."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from include.gas.answers.consumption.published import read_published
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.windows import Window
from include.gas.documents.billing.periods import foreign, period_document, withdrawn

PCE = "09900000000017"
YEAR = Window(date(2025, 1, 1), date(2025, 12, 1))
Row = tuple[str, str, int | None]
OLD, NEW, NEXT = ("01-02", "07-01", 6000), ("01-20", "07-01", 4000), ("07-01", "10-01", 900)
BROKEN = '{"pce": {"id_pce": "09900000000017"}, "consomm'


def line(row: Row) -> str:
    first, end, energy = row
    use = {"date_debut_consommation": f"2025-{first}", "date_fin_consommation": f"2025-{end}", "energie": energy}
    return json.dumps({"pce": {"id_pce": PCE}, "consommation": use})


def read(*rows: Row, window: Window = YEAR, more: str = "") -> Answer[Any]:
    body = "\n".join([*map(line, rows), more])
    return read_published(body, account="a", pce=PCE, window=window, today=date(2025, 12, 1))


def stored(*rows: Row, at: str = "2026-01-01T10:00:00Z") -> list[dict[str, Any]]:
    return [period_document("a", PCE, period, at) for period in read(*rows).rows]


def gone(documents: list[dict[str, Any]], answer: Answer[Any]) -> list[str]:
    return [each["first"][5:] for each in withdrawn(documents, answer)]


@pytest.mark.parametrize(
    ("before", "now", "taken"),
    [
        ((OLD, NEXT), (NEW, NEXT), ["01-02"]),
        ((NEW, NEXT), (OLD, NEXT), ["01-20"]),
        ((NEXT,), (("06-15", "10-01", 950),), ["07-01"]),
        ((OLD, NEXT), (("01-02", "06-15", 5900), ("06-15", "10-01", 1000)), ["07-01"]),
        ((OLD, NEXT), (OLD, NEXT), []),
        ((OLD, NEXT), (NEXT,), []),  # nothing is on its days now: it may have been left out
        ((OLD, NEW), (OLD, NEW), []),  # GRDF names both
        ((OLD, NEXT), (("01-02", "07-01", None), NEW, NEXT), ["01-02"]),  # named without an energy
    ],
)
def test_what_a_whole_answer_takes_away(before: tuple[Row, ...], now: tuple[Row, ...], taken: list[str]) -> None:
    assert gone(stored(*before), read(*now)) == taken


def test_what_takes_nothing_away() -> None:
    documents = stored(OLD, NEXT)
    assert gone(documents, read(NEW, NEXT, more=BROKEN)) == [], "cut short"
    late = Window(date(2025, 5, 1), YEAR.end)
    assert gone(documents, read(("06-15", "10-01", 1000), window=late)) == ["07-01"], "the other begins before"
    assert gone([documents[0] | {"end": None}], read(NEW)) == [], "damaged"


def test_what_the_account_may_not_hold() -> None:
    documents = stored(OLD, NEXT, ("10-01", "11-01", 50))

    def found(*windows: Window) -> list[str]:
        return [each["first"][5:] for each in foreign(documents, windows)]

    assert found(YEAR) == []
    assert found(Window(YEAR.first, date(2025, 8, 1))) == ["07-01", "10-01"], "only in part"
    assert found(Window(date(2025, 7, 1), YEAR.end)) == [], "what is older is left alone"
    assert found(Window(YEAR.first, date(2025, 7, 1)), Window(date(2025, 10, 1), YEAR.end)) == ["07-01"]
    odd = [documents[1] | {"end": "soon"}, {"_id": f"a:{PCE}:note"}]
    assert foreign(odd, [YEAR]) == foreign(odd, []) == []
    assert foreign(odd, [Window(YEAR.first, date(2025, 7, 1))]) == odd[:1]
