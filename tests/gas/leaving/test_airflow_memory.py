"""Which of Airflow's runs name an account, and what a deletion's record says about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.gas.leaving.airflow_memory import (
    AUDIT_LOG,
    SHARED,
    THIS_RUN,
    events,
    names,
    not_ended,
    of_others,
    with_history,
    with_removed_runs,
)

DAGS = Path(__file__).resolve().parents[3] / "dags"


@pytest.mark.parametrize(
    ("conf", "named"),
    [
        ({"account": "home"}, True), ({"account": " home\n"}, True), ({"account": "hme", "confirm": "home"}, True),
        ({"accounts": ["other", " home "]}, True), ({"accounts": "home"}, True),
        ({"accounts": ["home-2", 7, None]}, False), ({"account": "home-2", "note": "home"}, False),
        ({"accounts": {"home": 1}}, False), ({}, False), (None, False), ("home", False),
    ],
)  # fmt: skip
def test_a_configuration_names_an_account(conf: Any, named: bool) -> None:
    assert names(conf, "home") is named


def test_every_dag_that_works_on_any_account_is_known() -> None:
    """A new DAG must be added there, or its runs would count as somebody else's."""
    of_no_account = {"grdf_accounts", "grdf_example_consumer", "grdf_retention"}
    assert {file.stem for file in DAGS.glob("grdf_*.py")} - of_no_account == set(SHARED)


def test_a_try_that_was_killed_and_the_next_one_tell_of_all_runs_together() -> None:
    record: dict[str, Any] = {"_id": "home:1"}
    noted = with_removed_runs(record, {"grdf_account__home": 40, "grdf_history": 2})  # and killed while removing
    noted = with_removed_runs(noted, {"grdf_account__home": 0, "grdf_history": 1, "grdf_consents": 1})
    history = with_history(noted, [THIS_RUN, AUDIT_LOG])["airflow_history"]
    assert history["removed"] == {"grdf_account__home": 40, "grdf_history": 2, "grdf_consents": 1}
    assert "XComs" in history["removed_with_it"]
    assert [each["columns"] for each in history["kept"]] == [list(THIS_RUN.columns), ["log.dag_id", "log.extra"]]
    assert "airflow_history" not in record, "the argument is left as it was"


def test_what_stays_is_counted_and_named() -> None:
    assert events(9).what.startswith("9 asset event(s)")
    assert not_ended([("grdf_history", "b"), ("grdf_history", "a")]).what.endswith("grdf_history a, grdf_history b")
    assert of_others({"their_dag": 2}).what.endswith("2 of their_dag")
