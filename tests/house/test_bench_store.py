"""The store benchmark at a tiny size: it runs, continues where it stopped, draws plots, and is not fooled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.house.bench_runs import A_DOCUMENT_LESS, bench, rows
from tests.named_couch import VARIABLE, named_couch

TINY = ("store", "--years", "0.05")

EVERYTHING_WRONG = (
    A_DOCUMENT_LESS
    + """
    from include.gas.documents import storing as load
    true_years = load.year_documents
    def off_by_one(*given):
        return {key: total | {"load": total["load"] + 1} for key, total in true_years(*given).items()}
    load.year_documents = off_by_one

    from benchmarks import store_fleet
    true_fill = store_fleet.write
    def half_a_fleet(place, documents):
        others = any(docs[0].get("account", "").count("-") == 1 for docs in documents.values())
        true_fill(place, {key: docs[:-1] if others else docs for key, docs in documents.items()})
    store_fleet.write = half_a_fleet
"""
)


@pytest.fixture(autouse=True)
def own_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kept store has fixed names: on a CouchDB that is named, they get a prefix and are removed at the end."""
    couch = named_couch()
    if couch is None:
        yield
        return
    with couch:
        login = f"{quote(couch.user, safe='')}:{quote(couch.password, safe='')}@"
        monkeypatch.setenv(VARIABLE, couch.url.replace("http://", f"http://{login}"))
        yield


def test_a_kept_store_grows_from_run_to_run_and_its_curves_are_drawn(tmp_path: Path) -> None:
    kept = ("--keep", str(tmp_path / "kept"))
    code, text, first = bench(tmp_path, *TINY, "--accounts", "3", *kept)
    assert (code, first["wrong"]) == (0, []), text
    code, text, report = bench(tmp_path, *TINY, "--accounts", "11", *kept, "--plots", str(tmp_path / "plots"))
    assert (code, report["wrong"]) == (0, []), text

    by_accounts = rows(report, "A daily run by number")
    assert [row["other accounts"] for row in by_accounts] == [3, 10, 11]
    assert [row["day documents"] for row in by_accounts] == [3 * 18, 10 * 18, 11 * 18]
    # The account, months, years, days are read; days, months, years and the account written.
    assert {row["requests"] for row in by_accounts} == {8}
    by_history = rows(report, "A daily run's load by length")
    assert [row["gas days"] for row in by_history] == [30, 365, 1095, 3652]
    assert {row["requests"] for row in by_history} == {8}
    # At most two calendar years are read, however much is stored before.
    assert by_history[-1]["KB"] < 1.1 * by_history[2]["KB"]
    assert report["targets"][0] == {
        "what": "requests of a daily run's load: most less fewest, of all histories and steps",
        "value": 0,
        "limit": 0,
        "met": True,
    }
    assert [row["found"] for row in rows(report, "What a page reads")][:2] == [11 + 8, 11 + 8]
    assert all(
        (tmp_path / "plots" / f"{name}.png").stat().st_size > 5000 for name in ("store-by-history", "store-by-accounts")
    )


def test_a_store_that_was_kept_with_other_numbers_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "state.json").write_text(json.dumps({"history": 365, "members": 6}))
    with pytest.raises(AssertionError, match=r"holds 365 days per household and 6 measured ones .* not 18 and 2"):
        bench(tmp_path, *TINY, "--keep", str(kept))


def test_what_is_stored_wrong_makes_it_fail(tmp_path: Path) -> None:
    code, text, report = bench(tmp_path, *TINY, "--accounts", "2", sabotage=EVERYTHING_WRONG)
    assert code == 1
    assert "WRONG" in text
    for noticed in ("days missing", "totals not the sum of stored days", "are missing beside 2 other accounts"):
        assert any(noticed in each for each in report["wrong"]), (noticed, report["wrong"])
