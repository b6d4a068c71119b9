"""The comparison with other ways, at a tiny size: it counts everything, knows each way's faults, and is not fooled."""

from __future__ import annotations

from pathlib import Path

from tests.house.bench_runs import A_DOCUMENT_LESS, bench, rows

FLOOR = "the floor: one raw _bulk_docs"
CORE, OURS = "ours: the call and the load alone", "ours: the DAG's four tasks"
KONNECTOR, LOWATT = "the konnector's algorithm", "lowatt-grdf + cloudant, saved one by one"
TINY = ("peers", "--days", "70")

ALL_WAYS_STORE_WRONG = (
    A_DOCUMENT_LESS
    + """
    from tests.konnector import Konnector
    theirs = Konnector.load
    Konnector.load = lambda self, readings: theirs(self, list(readings)[1:])

    from tests.bench.peers_lowatt import Lowatt
    put = Lowatt._put
    Lowatt._put = lambda self, base, key, load, *date: put(self, base, key, load + (date[2] == 15), *date)

    from tests.bench.peers_ways import Floor
    stored = Floor.stored
    def twice(self):
        found = stored(self)
        found.months.append(found.months[0])
        return found
    Floor.stored = twice
"""
)


def test_every_way_is_counted_and_verified(tmp_path: Path) -> None:
    code, text, report = bench(tmp_path, *TINY)
    assert (code, report["wrong"]) == (0, []), text
    days = report["facts"]["gas days"]
    assert days > 60
    first = {row["way"]: row for row in rows(report, "First import")}
    daily = {row["way"]: row for row in rows(report, "Daily run")}
    ways = [FLOOR, CORE, OURS, KONNECTOR, LOWATT]
    assert list(first) == list(daily) == ways
    # A token and the days. Ours also asks what the consent covers; the konnector is refused with the reduced token.
    assert [first[way]["calls"] for way in ways] == [2, 2, 3, 3, 2]
    # The first three still have a token, which in ours another account's run may have fetched.
    assert [daily[way]["calls"] for way in ways] == [1, 1, 1, 2, 2]
    assert [first[way]["requests"] for way in ways[:2]] == [1, 6]
    assert first[KONNECTOR]["requests"] > days
    assert first[LOWATT]["requests"] > 3 * days  # fetched, looked for, written
    # A first run also checks who else has the meter, and reads the account again after calls that may have to wait.
    assert (daily[OURS]["requests"], first[OURS]["requests"]) == (12, 24)
    # It never notices a correction: two days, in one or two months and years.
    assert daily[KONNECTOR]["days wrong"] == 2
    assert 2 <= daily[KONNECTOR]["totals not GRDF's"] <= 4
    assert all(daily[way]["days wrong"] == daily[way]["totals not GRDF's"] == 0 for way in ways if way != KONNECTOR)
    assert all(row["days wrong"] == row["totals not GRDF's"] == 0 for row in first.values())
    cut = {row["way"]: row["totals not the sum of stored days"] for row in rows(report, "A daily run cut off")}
    assert (cut[OURS], cut[LOWATT]) == (0, 0)
    assert cut[KONNECTOR] == 2  # the new day is permanently missing from its month and year


def test_a_way_that_stores_too_little_or_wrong_makes_it_fail(tmp_path: Path) -> None:
    code, text, report = bench(tmp_path, *TINY, sabotage=ALL_WAYS_STORE_WRONG)
    assert code == 1
    assert "WRONG" in text
    for way, fault in (
        (CORE, "1 days missing"),
        (OURS, "1 days missing"),
        (KONNECTOR, "1 days missing"),
        (LOWATT, "2 days wrong"),
        (FLOOR, "1 totals not the sum of stored days"),
    ):
        assert any(f"{way}, after the first import" in each and fault in each for each in report["wrong"]), (
            way,
            report["wrong"],
        )
