"""Steps of the DAGs, executed directly, with what they store and request."""

from __future__ import annotations

from datetime import date
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import PUBLISHED
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, context, with_memory_shelf


def acquire(account_id: str, **more: Any) -> dict[str, Any]:
    task = with_memory_shelf(AcquireTokenOperator(task_id="acquire_token", account_id=account_id))
    return dict(task.execute(context(**more)))


def extract(account_id: str, day: date | None, **more: Any) -> dict[str, Any]:
    task = ExtractOperator(task_id="extract", account_id=account_id)
    return dict(with_memory_shelf(task, MemoryShelf()).execute(context(day, **more)))


def load(account_id: str, staged: Any, **more: Any) -> dict[str, Any]:
    return dict(LoadOperator(task_id="load", account_id=account_id, staged=staged).execute(context(**more)))


def document(world: LocalWorld, account_id: str) -> dict[str, Any]:
    return world.book.get(account_id) or {}


def read_published(*accounts: str) -> dict[str, int]:
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    return dict(task.execute(context() | {"params": {"accounts": list(accounts)} if accounts else {}}))


def billing(world: LocalWorld, account: str) -> dict[str, Any]:
    found = document(world, account).get("status", {}).get("billing", {}).values()
    return dict(next(iter(found), {}))


def periods(account: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(PUBLISHED, *account_range(account))
