"""The run as a value: what is read from Airflow's context, and the gas day of a run without an interval."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import pytest

from grdf.airflow.tasks.run import Run
from include.gas.errors import BadRequest
from tests.helpers import context


class Kind(Enum):
    """A run type as an enumeration, as in Airflow. It may also be a string."""

    BACKFILL = "backfill"


def run(**more: Any) -> Run:
    found = context(more.pop("day", None), run_type=more.pop("run_type", "scheduled"), run_id="run-1", **more)
    return Run.of(found)  # type: ignore[arg-type]  # the part of it that we read


def test_a_run_with_an_interval_is_about_its_gas_day() -> None:
    found = run(day=date(2026, 3, 29))
    assert (found.id, found.day, found.kind) == ("run-1", date(2026, 3, 29), "scheduled")
    assert found.is_scheduled
    assert not found.is_backfill


@pytest.mark.parametrize(
    ("due", "day"),
    [
        (datetime(2026, 7, 2, 3, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 7, 2, 4, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_one_without_is_about_the_last_gas_day_that_was_over(due: datetime, day: date) -> None:
    at_hand = context(run_type="manual")
    at_hand["dag_run"].run_after = due
    found = Run.of(at_hand)  # type: ignore[arg-type]  # the part of it that we read
    assert (found.day, found.due) == (day, due)
    assert not found.is_scheduled


def test_airflow_may_name_the_kind_by_its_enumeration() -> None:
    at_hand = context(date(2026, 1, 1))
    at_hand["dag_run"].run_type = Kind.BACKFILL
    assert Run.of(at_hand).is_backfill  # type: ignore[arg-type]  # the part of it that we read


@pytest.mark.parametrize(("tries", "retries", "last"), [(1, 3, False), (3, 3, False), (4, 3, True), (1, 0, True)])
def test_the_last_try_is_the_one_after_all_retries(tries: int, retries: int, last: bool) -> None:
    assert run(try_number=tries, max_tries=retries).is_last_try is last


def test_who_asked_is_unknown_where_airflow_does_not_say() -> None:
    at_hand = context()
    for name in ("", None):
        at_hand["dag_run"].triggering_user_name = name
        found = Run.of(at_hand)  # type: ignore[arg-type]  # the part of it that we read
        assert (found.asker, found.asked_by) == (None, "unknown")


def test_accounts_are_named_once_each() -> None:
    assert run().named_accounts("-") == []
    at_hand = context() | {"params": {"accounts": [" b", "a", "b"]}}
    assert Run.of(at_hand).named_accounts("-") == ["b", "a"]  # type: ignore[arg-type]  # the part of it that we read


@pytest.mark.parametrize("odd", ["home", ["home", ""], [7], {"home": 1}])
def test_what_is_no_list_of_ids_is_refused(odd: Any) -> None:
    at_hand = context() | {"params": {"accounts": odd}}
    with pytest.raises(BadRequest, match=r"`accounts` is not a list of ids.*Nothing was read\."):
        Run.of(at_hand).named_accounts("Nothing was read.")  # type: ignore[arg-type]  # the part of it that we read
