"""The benchmark of Cozy's queries at a tiny size: it runs, and it notices what comes in another order."""

from __future__ import annotations

from pathlib import Path

from tests.house.bench_runs import bench, rows

ANOTHER_ORDER = """
    from tests.cozy.client import Client
    true_ask = Client.ask
    def ask(self, *given, **options):
        answer = true_ask(self, *given, **options)
        return answer | {"pages": [page[::-1] for page in answer["pages"]]}
    Client.ask = ask
"""


def test_each_query_of_the_client_brings_what_is_stored(tmp_path: Path) -> None:
    code, text, report = bench(tmp_path, "cozy", "--accounts", "3", "--years", "0.2")
    assert (code, report["wrong"]) == (0, []), text
    assert len(rows(report, "The first query of each index")) == 7
    asked = {row["asked for"]: row["documents"] for row in rows(report, "What Cozy's client asks for")}
    assert asked["days, newest first"] == asked["one account's days, newest first"] == 500
    # January of three others and of two households for each length of history; the shortest begins on the 7th.
    assert asked["the days of a month"] == 9 * 31 + 2 * 25
    assert 0 < asked["years, newest first"] < asked["months, newest first"] <= 500


def test_another_order_is_noticed(tmp_path: Path) -> None:
    code, text, report = bench(tmp_path, "cozy", "--accounts", "2", "--years", "0.1", sabotage=ANOTHER_ORDER)
    assert code == 1
    assert any("days, newest first" in each and "in another order" in each for each in report["wrong"]), text
