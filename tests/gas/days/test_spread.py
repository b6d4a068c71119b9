"""Accounts are spread evenly over the DAG files, and each stays in the same file."""

from __future__ import annotations

from collections import Counter

import pytest

from include.gas.days.spread import DAG_FILES, dag_file_of


@pytest.mark.parametrize("name", ["household-{:04}", "{:032x}", "{}"])
def test_each_file_has_its_share(name: str) -> None:
    ids = [name.format(number) for number in range(40_000)]
    shares = Counter(map(dag_file_of, ids))
    assert shares.keys() == set(range(DAG_FILES))
    assert all(0.8 < share * DAG_FILES / len(ids) < 1.2 for share in shares.values())


@pytest.mark.parametrize(("account", "file"), [("real-household", 28), ("two-meters", 20), ("a", 4), ("b", 19)])
def test_it_is_the_same_file_on_every_machine(account: str, file: int) -> None:
    """If an account moved, it would lose its DAG until Airflow has parsed the other file."""
    assert dag_file_of(account) == file
