"""What is retried and when."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from grdf.airflow.retries import GasRetryPolicy, first_to_raise
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
    ("met", "again", "last"),
    [
        ("CredentialsRefused ServiceUnavailable", "ServiceUnavailable", "CredentialsRefused"),
        ("CredentialsRefused ServiceUnavailable QuotaWait", "QuotaWait", "CredentialsRefused"),
        ("ServiceUnavailable QuotaWait", "QuotaWait", "QuotaWait"),
        ("BadSettings RightLost", "BadSettings", "BadSettings"),
    ],
)
def test_one_client_s_refusal_takes_no_try_that_another_client_s_work_needs(met: str, again: str, last: str) -> None:
    problems = [getattr(errors, name).about("home", "it happened") for name in met.split()]
    assert [type(first_to_raise(problems, last_try=on)).__name__ for on in (False, True)] == [again, last]
