"""A household's copy that is made while its data are removed: it is whole, or there is none."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from io import BytesIO, StringIO
from itertools import count
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tests.promises.adapter import METERS

if TYPE_CHECKING:
    from tests.promises.adapter import Town

PCE = METERS[0]


def download(town: Town, account: str) -> Callable[[], set[date] | None]:
    """Return what downloads the copy by a link of the household's, and returns its days; ``None`` if it is refused."""
    made = town._page("POST", f"/connect/{account}/link?to=figures", accept="application/json").json()["link"]
    query = made.partition("?")[2]

    def days() -> set[date] | None:
        answer = town._page("GET", f"/household/figures/copy.zip?{query}", login=False)
        if answer.status_code != 200:
            return None
        with ZipFile(BytesIO(answer.content)) as copy:
            rows = csv.DictReader(StringIO(copy.read("days.csv").decode()))
            return {date.fromisoformat(row["day"]) for row in rows}

    return days


def test_a_copy_beside_a_deletion_lacks_no_day(new_town: Callable[..., Town]) -> None:
    for moment in count(0, 2):
        town = new_town()
        town.connect("alder", PCE, back=20)
        stored, copy = {*town.days("alder", PCE)}, download(town, "alder")
        town.meanwhile(moment, lambda town=town: town.leave("alder"))
        assert copy() in (stored, None), moment
        if town.planned:
            break
    assert moment > 5, "they met"


def test_a_copy_after_a_deletion_that_was_killed_lacks_no_day(new_town: Callable[..., Town]) -> None:
    for moment in count(1, 3):
        town = new_town()
        town.connect("alder", PCE, back=20)
        stored, copy = {*town.days("alder", PCE)}, download(town, "alder")
        town.kill_at(moment)
        is_killed = town.leave("alder", tries=1).state == "killed"
        town.kill_at(0)
        assert copy() in (stored, None), moment
        if not is_killed:
            break
    assert moment > 30, "it has died many times"
