"""What tests of the account list share: accounts, an outage, and Airflow's Variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grdf.airflow.account_list import AccountList, known_accounts
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT

PARSING = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"


class Variables:
    """Airflow's Variables, which a test process cannot write (but see tests/dags/test_lost_list.py)."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.calls: list[str] = []
        self.broken = False

    def get(self, key: str, default: Any = None) -> Any:
        self.calls.append("get")
        return self.kept.get(key, default)

    def set(self, key: str, value: str, description: str) -> None:
        assert description
        self.calls.append("set")
        if self.broken:
            raise RuntimeError
        self.kept[key] = value


def account(name: str) -> dict[str, Any]:
    return {"_id": name, "account_type": "grdfgrandlyon"}


def known_accounts_of(book: CouchDBHook, *names: str) -> AccountList:
    book.write(ACCOUNT, [account(name) for name in names])
    return known_accounts()


def down(connection: Callable[..., str]) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
