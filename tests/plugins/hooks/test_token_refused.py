"""GRDF refuses the token that all accounts share: one task finds out, the others wait, and no calls are wasted."""

from __future__ import annotations

import heapq
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from grdf.hooks.adict import AdictHook, Call
from grdf.hooks.http_calls import Sent
from grdf.hooks.oauth import VARIABLE, DataToken
from grdf.quota.governor import Governor, Turn
from grdf.quota.terms import Terms
from include.gas.days.windows import Window
from include.gas.errors import CredentialsRefused, GasError, QuotaWait
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, holder, known_account
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call

WINDOW = Window(date(2026, 1, 1), date(2026, 1, 3))

IMPATIENT = Terms(longest_wait=0.2)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate count of calls for this test."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


def hook(shelf: MemoryShelf) -> AdictHook:
    return AdictHook(shelf=shelf)


def test_a_401_for_everybody_costs_three_calls_and_not_three_an_account(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    shelf = MemoryShelf()
    hook(shelf).data_token()
    clean.control.clear_log()
    clean.control.fault("/pce/", status=401, times=None)
    with pytest.raises(CredentialsRefused):  # a person sees one red task
        hook(shelf).daily_lines(pce, WINDOW, account=account_id)
    for _ in range(12):
        with pytest.raises(QuotaWait) as told:
            hook(shelf).daily_lines(pce, WINDOW, account=account_id, terms=IMPATIENT)
    seen = [(entry["path"].rpartition("/")[2], entry["status"]) for entry in clean.control.log()]
    assert seen == [("donnees_consos_informatives", 401), ("access_token", 200), ("donnees_consos_informatives", 401)]
    assert str(told.value).startswith("GRDF was not called, since it refuses our client or any token")
    assert "Compare login and password of the connection grdf_adict" in str(told.value)


def test_a_client_that_is_refused_costs_one_call(clean: LocalWorld, account_id: str) -> None:
    clean.control.clear_log()
    clean.control.fault("/access_token", status=401, body={"error": "invalid_client"}, times=None)
    kinds = []
    for _ in range(5):
        with pytest.raises(GasError) as caught:
            hook(MemoryShelf()).data_token(terms=IMPATIENT)
        kinds.append(type(caught.value))
    assert kinds == [CredentialsRefused, *[QuotaWait] * 4]
    assert len(clean.control.log()) == 1


def test_a_token_that_ended_early_is_renewed_once_and_everybody_goes_on(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
    connection["extra"]["calls_per_second"] = 1
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))
    pces = holder(account_id, 6).pces
    clean.control.consent(list(pces))
    shelf = MemoryShelf()
    hooks = [hook(shelf) for _ in pces]
    hooks[0].data_token()
    clean.control.drop_tokens()
    clean.control.clear_log()
    today = clean.control.today()
    window = Window(today.replace(year=today.year - 1), today)
    with ThreadPoolExecutor(len(pces)) as pool:
        answers = list(
            pool.map(lambda one: one[0].daily_lines(one[1], window, account=account_id), zip(hooks, pces, strict=True))
        )
    assert all(answer.body for answer in answers)
    seen = [(entry["path"].rpartition("/")[2], entry["status"]) for entry in clean.control.log()]
    assert seen.count(("access_token", 200)) == 1
    assert sum(status == 401 for _, status in seen) <= 2, "those who wait take the new token, and are not refused"


def test_other_credentials_go_at_once() -> None:
    clock = Clockwork()
    wrong, right = clock.governor(credentials="wrong"), clock.governor(credentials="right")
    wrong.refused()
    call(right)
    assert clock.now == NOON
    wrong.turn()
    assert clock.passed == pytest.approx(1, abs=0.1)


def test_a_day_of_401_for_a_whole_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    """5,000 accounts run within four hours. Those that have to wait run again when they were told to."""
    clock, shelf, calls = Clockwork(), MemoryShelf(), 0

    class Refused(AdictHook):
        def _governor(self) -> Governor:
            return clock.governor(GRDF)

        def data_token(self, **_: Any) -> tuple[DataToken, bool]:
            nonlocal calls
            if not shelf.text:
                call(self._governor())
                calls += 1
                shelf[VARIABLE] = DataToken(f"{calls}", "", datetime.now(UTC)).dump()
            token = DataToken.load(shelf.text)
            assert token is not None
            return token, False

        def _sent(self, _call: Call, _: DataToken, turn: Turn) -> Sent:
            nonlocal calls
            turn.take()
            calls += 1
            answer = requests.Response()
            answer.status_code, answer._content = 401, b""
            return Sent(answer, datetime.now(UTC))

    queue = [(NOON + number * 2.88, number) for number in range(5000)]
    red = 0
    while queue and queue[0][0] < NOON + 86_400:
        at, number = heapq.heappop(queue)
        clock.now = max(clock.now, at)
        try:
            Refused(shelf=shelf).daily_lines("1", WINDOW, account=str(number))
        except QuotaWait as wait:
            heapq.heappush(queue, (clock.now + max(5.0, wait.retry_after or 0), number))
        except CredentialsRefused:
            red += 1
    print(f"calls of a day: {calls}; red tasks: {red} of 5000")
    assert 0 < red < calls < 100
