"""Proofs are sent, and the past is read, with each account's own client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.operators.history import PlanHistoryOperator
from grdf.operators.ways_in.send_proof import SendProofOperator
from include.gas.errors import FailNow
from tests.clients.scene import CLIENTS, SOUTH, USUAL, account_of, asked_by, own_right, spend, with_extra
from tests.helpers import context, yesterday
from tests.leaving.runs import check
from tests.plugins.staging.proof_samples import GOOD

if TYPE_CHECKING:
    from pathlib import Path

    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def pair(two: LocalWorld, account_id: str) -> tuple[str, str]:
    """An account of each client."""
    other = f"south-{460_000 + int(account_id.rpartition('-')[2])}"
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    return account_id, other


@pytest.fixture
def asked(two: LocalWorld, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, str]:
    """Both, when GRDF asks for a proof of each."""
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    folder = tmp_path / "staging" / "proofs"
    for account in pair:
        (folder / account).mkdir(parents=True)
        (folder / account / "consent.pdf").write_bytes(GOOD["application/pdf"])
        two.control.ask_proof(own_right(two, account), yesterday(two) + timedelta(days=9))
    check()
    two.control.clear_log()
    return pair


def send(try_number: int = 1) -> dict[str, int]:
    at_hand = context(run_type="manual", try_number=try_number, max_tries=3)
    return dict(SendProofOperator(task_id="send", account_id="").execute(at_hand))


def sent(world: LocalWorld, account: str) -> list[str]:
    """Return the clients that have sent a proof for an account."""
    right = own_right(world, account)
    calls = [call for call in world.control.log() if call["path"].endswith(f"{right}/preuves")]
    return [call["client_id"] for call in calls if call["status"] == 200]


def test_each_client_sends_its_own(two: LocalWorld, asked: tuple[str, str]) -> None:
    assert send()["sent"] == 2
    assert [sent(two, account) for account in asked] == [[CLIENTS[USUAL]], [CLIENTS[SOUTH]]]


def test_a_refused_client_keeps_no_other_from_sending(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, str]
) -> None:
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    with pytest.raises(FailNow):
        send()
    assert [sent(two, account) for account in asked] == [[], [CLIENTS[SOUTH]]]


@pytest.mark.parametrize("try_number", [1, 4])
def test_proofs_of_a_spent_client_wait_and_the_other_s_are_sent(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, str], try_number: int
) -> None:
    """The wait uses no try, as with a single client."""
    with monkeypatch.context() as patch:
        spend(patch, SOUTH)
        two.control.clear_log()
        with pytest.raises(AirflowRescheduleException):
            send(try_number)
    assert [sent(two, account) for account in asked] == [[CLIENTS[USUAL]], []]
    assert send(try_number)["sent"] == 1
    assert [sent(two, account) for account in asked] == [[CLIENTS[USUAL]], [CLIENTS[SOUTH]]]


def plan(*accounts: str) -> list[str]:
    first = yesterday_text(30)
    params = {"from": first, "to": yesterday_text(20), "accounts": list(accounts), "include_definitive": False}
    at_hand: Any = context(run_type="manual") | {"params": params}
    return list(PlanHistoryOperator(task_id="plan").execute(at_hand))


def yesterday_text(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def test_the_past_of_both(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert sorted(plan()) == sorted(pair)
    monkeypatch.delenv("AIRFLOW_CONN_GRDF_SOUTH")
    assert plan(pair[0]) == [pair[0]]
    assert "Airflow has no connection grdf_south" in "".join(capfd.readouterr())
    assert asked_by(two) == set(), "the plan asks nobody"
