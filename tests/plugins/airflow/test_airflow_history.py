"""Which of Airflow's runs name an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grdf.airflow.airflow_history import SHARED, names

DAGS = Path(__file__).resolve().parents[3] / "dags"


@pytest.mark.parametrize(
    ("conf", "named"),
    [
        ({"account": "home"}, True), ({"account": " home\n"}, True), ({"account": "hme", "confirm": "home"}, True),
        ({"accounts": ["other", " home "]}, True), ({"accounts": "home"}, True),
        ({"accounts": ["home-2", 7, None]}, False), ({"account": "home-2", "note": "at home"}, False),
        ({"accounts": {"home": 1}}, False), ({}, False), (None, False), ("home", False),
    ],
)  # fmt: skip
def test_a_configuration_names_an_account(conf: Any, named: bool) -> None:
    assert names(conf, "home") is named


def test_every_dag_that_works_on_any_account_is_known() -> None:
    """A new DAG must be added there, or its runs would count as somebody else's."""
    of_no_account = {"grdf_accounts", "grdf_retention"}
    assert {file.stem for file in DAGS.glob("grdf_*.py")} - of_no_account == set(SHARED)
