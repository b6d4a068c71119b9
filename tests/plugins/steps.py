"""The monthly reading, executed directly, and what it stores."""

from __future__ import annotations

from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import PUBLISHED
from include.sandbox.local_world import LocalWorld
from tests.helpers import context, with_memory_shelf


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
