"""What a daily run asks of CouchDB: counted, since 5,000 accounts do it each morning."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.base import AccountOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, connect_cozy, context, yesterday


class Runs:
    """An account's runs, with the token that all accounts share.

    :param account_id: the account
    """

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._shelf = MemoryShelf()

    def requests(self, day: date) -> dict[str, int]:
        """Run the four tasks for a gas day, and return the number of each one's requests to CouchDB."""
        sent: dict[str, int] = {}
        self._do(AcquireTokenOperator, day, sent)
        self._do(RescopeTokenOperator, day, sent)
        staged = self._do(ExtractOperator, day, sent)
        self._do(LoadOperator, day, sent, staged=staged)
        return sent

    def _do(self, kind: type[AccountOperator], day: date, sent: dict[str, int], **more: Any) -> Any:
        name = kind.__name__.removesuffix("Operator")
        task = kind(task_id=name, account_id=self._account_id, **more)
        task.__dict__["adict"] = AdictHook(shelf=self._shelf)
        try:
            return task.execute(context(day, run_id=f"run {day}"))
        finally:
            sent[name] = task.couchdb.requests_sent


def test_a_daily_run_reads_each_thing_once(
    clean: LocalWorld, account_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    connect_cozy(clean, account_id, 1)
    runs, day = Runs(account_id), yesterday(clean)
    runs.requests(day - timedelta(days=3))
    usual = {
        "AcquireToken": 1,  # the account, which asks for nothing
        "RescopeToken": 0,
        "Extract": 2,  # the account and its meter
        "Load": 8,  # the account, years, days and months are read, and written
    }
    assert runs.requests(day - timedelta(days=2)) == usual
    usual["Load"] = 3  # account, years and days are read
    assert runs.requests(day - timedelta(days=2)) == usual, "nothing is new, and nothing is written"
