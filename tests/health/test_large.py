"""A fleet of 5,000 accounts is looked at, and the log names a few of those concerned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.gas.documents.doctypes import ACCOUNT
from tests.health.accounts import account, meter

if TYPE_CHECKING:
    import pytest

    from tests.health.scene import Fleet

ACCOUNTS = 5000


def test_five_thousand_accounts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from grdf.hooks.couchdb import CouchDBHook

    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    documents = [account(number, age=12 if number % 10 == 0 else 2) for number in range(ACCOUNTS)]
    CouchDBHook().write(ACCOUNT, documents)
    run = fleet.check()
    assert run.state == "failed"
    silent = next(line for line in run.output.splitlines() if "unread: 500 of 5000" in line)
    assert len(re.findall(r"watched-\d+ \(", silent)) == 20
    assert "and 480 more" in silent
    assert meter(0) not in run.output
