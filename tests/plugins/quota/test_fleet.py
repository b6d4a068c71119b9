"""Accounts with many meters among many with one, scarce calls, and an import of the past at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quota_fleet import Fleet, simulate

PART = 25
"""Of the fleet of the issue (2,000 accounts of one meter, 150 of twenty; 5,000 of 6,000 calls wanted) and its pace."""


@pytest.mark.parametrize(("day", "hour"), [(1, 14.0), (0, 2.0)])
def test_every_account_is_read_every_day_beside_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: int, hour: float
) -> None:
    for name in ("AIRFLOW__GRDF__STAGING_URL", "AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW__CORE__MAX_MAP_LENGTH"):
        monkeypatch.setenv(name, "-")  # the simulation sets its own, and this restores them
    fleet = Fleet(days=5, import_day=day, import_hour=hour).part(PART)
    assert (fleet.wanted, fleet.per_day) == (200, 240)
    outcome = simulate(fleet, tmp_path)
    assert outcome.read == [[fleet.small, fleet.big]] * fleet.days
    assert [daily for daily, _ in outcome.calls] == [fleet.wanted] * fleet.days, "no call is made twice"
    assert all(past > 0 for _, past in outcome.calls[day : day + 2]), "the import goes on beside them"
    assert outcome.most <= fleet.per_day
    assert max(outcome.latest) < 2
