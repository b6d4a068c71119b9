"""Two runs of ``grdf_city`` at once: a published figure is never replaced by one about fewer households."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.promises.adapter import MONTHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.promises.adapter import Town

CITY = "com-grandlyon-grdf-city"
DAYS_OF_MONTH = {1: 31, 2: 28}


def move_in(town: Town, first: int, end: int) -> None:
    """Let accounts have two whole months, and be in one group."""
    for number in range(first, end):
        account, pce = f"flat-{number:02}", f"0999999{6_500_000 + number}"
        town.put(account, {"oauth": {}, "oauth_callback_results": {"pce_id": pce, "consents": []}})
        for month, days in DAYS_OF_MONTH.items():
            town.couch.databases.setdefault(MONTHS, {})[f"{account}:{pce}:2026-{month:02}"] = {
                "_id": f"{account}:{pce}:2026-{month:02}", "_rev": "1-a", "account": account, "pce": pce,
                "load": 800 + number, "year": 2026, "month": month, "day": 1, "hour": 0, "minute": 0, "days": days,
            }  # fmt: skip
        town.couch.databases.setdefault(CITY, {})[f"{account}:groups"] = {
            "_id": f"{account}:groups", "_rev": "1-a", "account": account, "groups": {"programme": "p"},
            "token": f"{number:016x}",
        }  # fmt: skip


def more_move_in(town: Town) -> None:
    move_in(town, 12, 24)
    assert town.run_dag("grdf_city").well


def test_a_figure_is_not_replaced_by_one_of_fewer_households(new_town: Callable[..., Town]) -> None:
    for moment in count():
        town = new_town()
        move_in(town, 0, 12)
        town.meanwhile(moment, lambda town=town: more_move_in(town))
        town.run_dag("grdf_city")
        met = not town.planned
        town.planned = []
        if not met:
            break
        figures = [document for key, document in town.documents(CITY).items() if not key.endswith(":groups")]
        assert figures, moment
        assert {figure["households"] for figure in figures} == {24}, moment
    assert moment > 3
