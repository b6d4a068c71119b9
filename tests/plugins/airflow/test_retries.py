"""What is retried and when, and invalid settings, whose error names them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy
from include.gas import errors

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GasError)]


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not errors.GasError])
@pytest.mark.parametrize("carry", [lambda error: error, lambda error: pickle.loads(pickle.dumps(error))])
def test_each_class_is_sorted(kind: type[errors.GasError], carry: Callable[[errors.GasError], errors.GasError]) -> None:
    decision = GasRetryPolicy().evaluate(carry(kind.about("home", "it happened")), 1, 3)
    wanted = RetryAction.RETRY if issubclass(kind, errors.RetryLater) else RetryAction.FAIL
    assert decision.action is wanted
    hour = timedelta(hours=1) if kind is errors.RefusalDoubted else None
    assert decision.retry_delay == hour, "Airflow's own delay, but for what is not worth asking sooner"
    assert decision.reason


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError("x")])
def test_anything_else_keeps_airflow_s_rule(error: Exception) -> None:
    assert GasRetryPolicy().evaluate(error, 1, 3).action is RetryAction.DEFAULT


@pytest.mark.parametrize("seconds", [86_401.0, 1e9, 1e15, 1e300])
def test_a_senseless_waiting_time_is_cut_to_a_day(seconds: float) -> None:
    error = errors.ServiceUnavailable.about("home", "outage", retry_after=seconds)
    assert GasRetryPolicy().evaluate(error, 1, 3).retry_delay == timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "read", "default", "least", "most"),
    [
        ("reread_days", settings.reread_days, 62, 0, 1000),
        ("publication_days", settings.publication_days, 1, 0, 4),
        ("first_hour", settings.first_hour, 8, 0, 23),
        ("spread_minutes", settings.spread_minutes, 240, 1, 1440),
        ("retries", settings.retries, 3, 0, 50),
        ("retry_seconds", settings.retry_seconds, 600, 1, 86_400),
    ],
)
def test_numbers(
    monkeypatch: pytest.MonkeyPatch, name: str, read: Callable[[], int], default: int, least: int, most: int
) -> None:
    variable = f"AIRFLOW__GRDF__{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    assert read() == default
    for good in (str(least), str(most), f" {least} "):
        monkeypatch.setenv(variable, good)
        assert read() == int(good)
    monkeypatch.setenv(variable, "")
    assert read() == default
    for bad in (str(least - 1), str(most + 1), "many", "1.5", "None"):
        monkeypatch.setenv(variable, bad)
        with pytest.raises(errors.BadSettings) as caught:
            read()
        for word in (f"[grdf] {name}", str(least), str(most), str(default)):
            assert word in str(caught.value)


def test_the_staging_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert settings.staging_url() == f"file://{tmp_path}/grdf/staging"
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", "s3://aws@bucket/x/")
    assert settings.staging_url() == "s3://aws@bucket/x"
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", "/var/lib/grdf")
    with pytest.raises(errors.BadSettings, match="staging_url"):
        settings.staging_url()
