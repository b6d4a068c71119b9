"""What a task reads of its run from Airflow's context, and what a load writes of its years to the account."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import with_stored_years
from include.gas.account.status import Reading, Status
from include.gas.documents.changes import StoreReport
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadRequest

DUE = datetime(2026, 7, 2, 6, tzinfo=UTC)
DAY = date(2024, 1, 1)
YEARS = {year: StoredYear(DAY.replace(year=year), DAY.replace(year=year)) for year in (2022, 2023, 2024)}


def run(kind: Any = "scheduled", due: datetime = DUE, tries: int = 1, retries: int = 3, **more: Any) -> Run:
    dag_run = SimpleNamespace(run_type=kind, run_after=due, conf={}, triggering_user_name=more.pop("by", ""))
    ti = SimpleNamespace(try_number=tries, max_tries=retries)
    found: Any = {"run_id": "run-1", "dag_run": dag_run, "ti": ti, **more}
    return Run.from_context(found)


@pytest.mark.parametrize(
    ("of", "day"),
    [
        ({"data_interval_start": datetime(2026, 3, 29, 4, tzinfo=UTC)}, date(2026, 3, 29)),
        ({"due": datetime(2026, 7, 2, 3, 59, tzinfo=UTC)}, date(2026, 6, 30)),
        ({"due": datetime(2026, 7, 2, 4, 0, tzinfo=UTC)}, date(2026, 7, 1)),
    ],
    ids=["of its interval", "a minute before six", "at six"],
)
def test_the_day_is_that_of_the_interval_or_the_last_that_was_over(of: dict[str, Any], day: date) -> None:
    assert run(**of).day == day


def test_airflow_may_name_the_kind_by_its_enumeration_and_not_say_who_asked() -> None:
    for kind in ("scheduled", "backfill", "manual"):
        for written in (kind, Enum("Kind", {kind.upper(): kind})(kind)):
            found = run(written, by=None)
            expected = (kind, kind == "scheduled", kind == "backfill")
            assert (found.kind, found.is_scheduled, found.is_backfill) == expected
            assert (found.asker, found.asked_by) == (None, "unknown")


def test_the_last_try_is_the_one_after_all_retries() -> None:
    for tries, retries, last in ((1, 3, False), (3, 3, False), (4, 3, True), (1, 0, True)):
        assert run(tries=tries, retries=retries).is_last_try is last


def test_accounts_are_named_once_each_and_what_is_no_list_of_ids_is_refused() -> None:
    assert run().named_accounts("-") == []
    assert run(params={"accounts": [" b", "a", "b"]}).named_accounts("-") == ["b", "a"]
    for odd in ("home", ["home", ""], [7], {"home": 1}):
        with pytest.raises(BadRequest, match=r"`accounts` is not a list of ids.*Nothing was read\."):
            run(params={"accounts": odd}).named_accounts("Nothing was read.")


@pytest.mark.parametrize(
    ("years", "looked_at", "stored"),
    [
        ({str(year): each for year, each in YEARS.items()}, (2023, 2024), (2022, 2024)),
        ({"soon": YEARS[2022], "2023": YEARS[2023]}, (2024,), (2023, 2024)),  # a key that is no year stops no load
    ],
)
def test_years_that_a_load_did_not_look_at_stay_and_years_without_a_day_go(
    years: dict[str, StoredYear], looked_at: tuple[int, ...], stored: tuple[int, ...]
) -> None:
    document = Status.with_reading({}, "pce", Reading(years, DAY, DAY, ("u-1",)))
    document = with_stored_years(document, "pce", StoreReport(looked_at=looked_at, held={2024: YEARS[2024]}))
    assert Status.reading_of(document, "pce").by_year() == {year: YEARS[year] for year in stored}
    assert Status.reading_of(document, "pce").whole_at == DAY, "when all was read stays"
