"""What the fleet's page shows beside the accounts: the quota of each client."""

from __future__ import annotations

import pytest

from grdf.health.fleet_verdict import client_now
from tests.plugins.clockwork import Clockwork, call


def test_the_quota_tells_what_counts_and_books_nothing() -> None:
    clock = Clockwork()
    governor = clock.governor()
    for purpose in ("daily", "daily", "history"):
        call(governor, purpose)  # type: ignore[arg-type]
    for _ in range(3):
        used = governor.usage()
        assert (used.calls, used.history, used.left, used.pause) == (3, 1, 5997, 0.0)
    governor.after_call(429, 30.0)
    assert governor.usage().pause == pytest.approx(30, abs=1)


def test_what_cannot_be_read_is_said_and_never_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", '{"conn_type": "http", "login": "id", "password": "word"}')
    monkeypatch.setenv("AIRFLOW__GRDF__QUOTA_URL", "postgresql://grdf@127.0.0.1:9/airflow")
    found = client_now("grdf_adict")
    assert found.left is None
    assert "the database of [grdf] quota_url cannot be used" in found.problem
