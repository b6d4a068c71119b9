"""What GRDF measured beside the energy is on the day, its sums on the totals, and no day looks corrected for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.changes import LoadReport
from include.gas.documents.day_checks import INDEX
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from include.gas.documents.totals import QUALITIES
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2024, 3, 1)
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
ALL = Window(date(2024, 1, 1), date(2025, 1, 1))


def said(day: int, **more: Any) -> dict[str, Any]:
    values = {"volume": 5.1 + day, "coefficient": 11.2, "index_end": 4000 + day, "grdf_quality": "Mesuré"}
    return values | more


def put(store: MemoryStore, *readings: Reading, minutes: int = 0) -> LoadReport:
    return load_answer(store, "a", PCE, readings, T0 + timedelta(minutes=minutes), window=ALL)


def reading(day: int, load: Any, measures: dict[str, Any] | None = None, **more: Any) -> Reading:
    more = {"measures": measures} | more if measures else more
    return Reading(FIRST + timedelta(days=day), load, **more)


def day_of(store: MemoryStore, day: int = 0) -> dict[str, Any]:
    return store.docs[DAY][f"a:{PCE}:2024-03-{day + 1:02}"]


def month_of(store: MemoryStore) -> dict[str, Any]:
    return store.docs[MONTH][f"a:{PCE}:2024-03"]


def test_days_that_were_stored_without_are_completed_once() -> None:
    store = MemoryStore()
    put(store, *(reading(day, 50 + day) for day in range(3)))
    whole = [reading(day, 50 + day, said(day)) for day in range(3)]
    report = put(store, *whole, minutes=1)
    assert (report.confirmed, report.corrected, report.new) == (3, 0, 0)
    assert report.changed_days == tuple(FIRST + timedelta(days=day) for day in range(3))
    day = day_of(store, 1)
    assert (day["volume"], day["coefficient"], day["index_end"], day["grdf_quality"]) == (6.1, 11.2, 4001, "Mesuré")
    assert "changes" not in day
    assert "index_start" not in day
    store.check_totals()
    before = store.revs()
    put(store, *whole, minutes=2)
    assert store.revs() == before


def test_an_answer_that_only_says_less_takes_nothing_away() -> None:
    store = MemoryStore()
    put(store, reading(0, 50, said(0)))
    before = store.revs()
    put(store, reading(0, 50, {"index_end": 4000}), reading(0, 50), minutes=1)
    assert store.revs() == before
    assert day_of(store)["volume"] == 5.1


def test_an_answer_that_says_something_else_is_all_that_stays() -> None:
    store = MemoryStore()
    put(store, reading(0, 50, said(0)))
    report = put(store, reading(0, 70, {"index_end": 4005}), minutes=1)
    day = day_of(store)
    assert (report.corrected, day["index_end"], day["changes"][-1]["before"]) == (1, 4005, 50)
    assert not {"volume", "coefficient", "grdf_quality"} & day.keys()


def test_totals_say_how_much_was_measured_and_how_good_it_is() -> None:
    store = MemoryStore()
    put(
        store,
        reading(0, 50, said(0), quality="measured"),
        reading(1, 51, said(1), quality="measured"),
        reading(2, 52, said(2), quality="estimated"),
        reading(3, 53, quality="corrected"),
        reading(40, 9, said(4), quality="corrected"),
    )
    store.check_totals()
    year = store.docs[YEAR][f"a:{PCE}:2024"]
    counted = [[total[f"{quality}_days"] for quality in QUALITIES] for total in (month_of(store), year)]
    assert counted == [[2, 1, 1], [2, 1, 2]]
    assert [(total["volume"], total["volume_days"]) for total in (month_of(store), year)] == [(18.3, 3), (27.4, 4)]


def test_totals_of_days_without_a_volume() -> None:
    store = MemoryStore()
    put(store, reading(0, 50))
    assert (month_of(store)["volume"], month_of(store)["volume_days"]) == (None, 0)


def test_doubts_are_marked_and_go_with_their_reason() -> None:
    store = MemoryStore()
    days = [reading(day, 50 + day, {"volume": 5, "index_end": 4000 + 5 * day}) for day in range(4)]
    wrong = reading(1, 51, {"volume": 5, "index_end": 4900})
    put(store, days[0], wrong)
    again = put(store, *days[2:], minutes=1)
    assert [day_of(store, day).get("doubts") for day in range(4)] == [None, [INDEX], [INDEX], None]
    assert again.held[2024].doubts == {INDEX: 2}
    store.check_totals()
    assert again.changed_days == (date(2024, 3, 3), date(2024, 3, 4))
    before = store.revs()
    put(store, *days[2:], minutes=2)
    assert store.revs() == before
    right = put(store, *days, minutes=3)
    assert (right.confirmed, right.unchanged, right.corrected) == (1, 3, 0)
    assert right.changed_days == (date(2024, 3, 2),), "a doubt that goes is no news of GRDF's"
    assert [day_of(store, day).get("doubts") for day in range(4)] == [None] * 4
    assert right.held[2024].doubts == {}
    store.check_totals()


def test_days_without_gas_are_doubted_once_they_are_many() -> None:
    store = MemoryStore()
    january = [Reading(date(2024, 1, 1) + timedelta(days=day), 50 if day < 40 else 0) for day in range(70)]
    told = [put(store, *january[: day + 1], minutes=day).held[2024].doubts.get("zeros", 0) for day in range(39, 60)]
    assert told == [0] * 14 + [*range(14, 21)]
    assert store.docs[DAY][f"a:{PCE}:2024-02-29"]["doubts"] == ["zeros"]
