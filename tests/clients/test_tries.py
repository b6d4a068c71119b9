"""One client's refusal does not take the tries that another client's work needs."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.operators.check_consents import CheckConsentsOperator
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.errors import CredentialsRefused, RetryLater
from tests.clients.scene import SOUTH, USUAL, account_of, document, own_right, spend, with_extra
from tests.helpers import context
from tests.importing.scene import adopt

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

LAST = 4
OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
_numbers = count(590_000)


@pytest.fixture
def pair(two: LocalWorld, account_id: str) -> tuple[str, str]:
    """An account of each client."""
    other = f"south-{next(_numbers)}"
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    return account_id, other


def check(try_number: int = 1) -> dict[str, int]:
    at_hand = context(try_number=try_number, max_tries=3)
    return dict(CheckConsentsOperator(task_id="check").execute(at_hand))


def read(try_number: int = 1, *accounts: str) -> dict[str, int]:
    at_hand = context(try_number=try_number, max_tries=3) | {"params": {"accounts": list(accounts)}}
    return dict(ReadPublishedOperator(task_id="read").execute(at_hand))


def test_consents_are_asked_for_again_while_another_client_is_refused(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    two.control.revoke(own_right(two, pair[1]))
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    two.control.fault("/droits_acces", status=503, times=2)  # the list, and the question about the meter instead
    with pytest.raises(RetryLater):
        check()
    with pytest.raises(CredentialsRefused):
        check(LAST)
    assert document(two, pair[1])["state"] == OUTDATED


def test_a_wait_for_calls_comes_before_a_refusal(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    spend(monkeypatch, SOUTH)
    with pytest.raises(AirflowRescheduleException):
        check()
    with pytest.raises(AirflowRescheduleException):
        adopt()
    with pytest.raises(CredentialsRefused):
        check(LAST)


@pytest.mark.parametrize("in_a_row", [1, 3])
def test_published_data_are_asked_for_again_while_another_client_is_refused(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str], in_a_row: int
) -> None:
    """Whether a client is given up or one of its accounts has failed."""
    monkeypatch.setattr("grdf.operators.read_published.IN_A_ROW", in_a_row)
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    two.control.fault(".*/pce/.*", status=503, times=30)
    with pytest.raises(RetryLater):
        read(1, *pair)
    with pytest.raises(CredentialsRefused):
        read(LAST, *pair)
