"""An account whose newest run that has read it is too old is not read, however many older ones there are."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from grdf.health.why_unread import FAILED, by_task
from include.gas.days.gas_day import gas_day_start

TODAY = date(2026, 6, 11)


class Runs:
    """Airflow, as a task asks it: one account has one run that has ended well.

    :param day: the gas day of that run
    """

    def __init__(self, day: date) -> None:
        self._at = gas_day_start(day)

    def get_dag(self, dag_id: str) -> Any:
        return SimpleNamespace(dag_id=dag_id, is_paused=False)

    def get_ti_count(self, dag_id: str, *, logical_dates: list[datetime], **_: Any) -> int:
        assert dag_id == "grdf_account__home"
        return logical_dates.count(self._at)


@pytest.mark.parametrize(("ago", "is_read"), [(1, True), (2, True), (3, True), (4, False), (7, False)])
@pytest.mark.parametrize("late", [0, 2])
def test_a_run_counts_for_two_days(monkeypatch: pytest.MonkeyPatch, ago: int, is_read: bool, late: int) -> None:
    """It is about the day before it, and as many days more as GRDF takes to publish one."""
    monkeypatch.setenv("AIRFLOW__GRDF__PUBLICATION_DAYS", str(late))
    found = by_task(Runs(TODAY - timedelta(days=ago + late - 1)), TODAY, ["home"])
    assert found == ({} if is_read else {"home": FAILED})
