"""Each answer is parsed once per task: in ``extract``, in ``load``, which only has the text, and in a re-read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.answers import contract
from include.gas.answers.consumption import sorting
from include.gas.answers.scan import Scan, scan
from tests.helpers import context, with_memory_shelf
from tests.history.steps import household, read

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The answers that were parsed, in order."""
    seen: list[str] = []

    def watched(text: Any) -> Scan:
        seen.append(text)
        return scan(text)

    for module in (contract, sorting):
        monkeypatch.setattr(module, "scan", watched)
    return seen


def one_day(account: str, day: date) -> tuple[Any, Any]:
    from grdf.operators.extract import ExtractOperator
    from grdf.operators.load import LoadOperator

    extract = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account))
    staged = extract.execute(context(day))
    return staged, LoadOperator(task_id="load", account_id=account, staged=staged)


def test_a_daily_run(world: LocalWorld, account_id: str, parsed: list[str]) -> None:
    today = world.control.today()
    household(world, account_id, today - 30 * ONE, 2)
    staged, load = one_day(account_id, today - 2 * ONE)
    assert staged["answers"] == len(parsed) == len(set(parsed)) == 2
    extracted = list(parsed)
    parsed.clear()
    load.execute(context(today - 2 * ONE))
    assert parsed == extracted, "its own process has the staged text alone"


def test_a_re_read_of_the_past(world: LocalWorld, account_id: str, parsed: list[str]) -> None:
    today = world.control.today()
    household(world, account_id, today - 30 * ONE, 2)
    read(account_id, today - 20 * ONE, today - 10 * ONE)
    assert len(parsed) == len(set(parsed)) == 2


def test_the_monthly_reading(world: LocalWorld, account_id: str, parsed: list[str]) -> None:
    from grdf.operators.read_published import ReadPublishedOperator

    household(world, account_id, world.control.today() - 30 * ONE)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    task.execute(context() | {"params": {"accounts": [account_id]}})
    assert len(parsed) == len(set(parsed)) == 3, "contract, technical facts, published periods"
