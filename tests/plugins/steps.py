"""Steps of the DAGs, executed directly, with what they store and request."""

from __future__ import annotations

from datetime import date
from typing import Any

from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.read_published import ReadPublishedOperator
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    MemoryShelf,
    context,
    with_memory_shelf,
)

REREAD = 62
"""Days before its own that a run reads again, unless a setting says otherwise."""


def acquire(account_id: str, **more: Any) -> dict[str, Any]:
    task = with_memory_shelf(AcquireTokenOperator(task_id="acquire_token", account_id=account_id))
    return dict(task.execute(context(**more)))


def extract(account_id: str, day: date | None, **more: Any) -> dict[str, Any]:
    task = ExtractOperator(task_id="extract", account_id=account_id)
    return dict(with_memory_shelf(task, MemoryShelf()).execute(context(day, **more)))


def load(account_id: str, staged: Any, **more: Any) -> dict[str, Any]:
    return dict(LoadOperator(task_id="load", account_id=account_id, staged=staged).execute(context(**more)))


def asked(world: LocalWorld) -> list[tuple[str, str, str]]:
    """Return (meter, first day, end) of each call for data, in order, and clear the log."""
    calls = [entry for entry in world.control.log() if "donnees_consos" in entry["path"]]
    world.control.clear_log()
    return [(call["pce"], call["query"]["date_debut"], call["query"]["date_fin"]) for call in calls]


def document(world: LocalWorld, account_id: str) -> dict[str, Any]:
    return world.book.get(account_id) or {}


def read_published(*accounts: str) -> dict[str, int]:
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    return dict(task.execute(context() | {"params": {"accounts": list(accounts)} if accounts else {}}))
