"""A billing period that is missing from an answer, from CouchDB or from what a right covered is asked for again."""

from __future__ import annotations

import json
from calendar import isleap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import known_account
from tests.plugins.published import document, month_later, periods
from tests.plugins.steps import read_published as read

TODAY = paris_today(datetime.now(UTC))
MISSED = TODAY.year - 2
"""The year whose first half is missing."""
FIRST, SPAN = f"{MISSED}-01-01", f"{MISSED}-01-01 to {MISSED}-06-30"

Lines = list[str]

pytestmark = pytest.mark.usefixtures("home")


def cut(line: str) -> Lines:
    return [line[: len(line) // 2]]


def gone(_line: str) -> Lines:
    return []


def is_it(line: str) -> bool:
    return str(json.loads(line)["consommation"]["date_debut_consommation"]).startswith(FIRST)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[str], Lines]]:
    """What becomes of the missing period's line in GRDF's answers, as ``answers["line"]``; nothing without it."""
    said: dict[str, Callable[[str], Lines]] = {}
    ask = AdictHook.published_lines

    def changed(self: Any, *arguments: Any, **more: Any) -> Any:
        staged = ask(self, *arguments, **more)
        if "line" not in said:
            return staged
        lines = [new for line in staged.body.splitlines() for new in (said["line"](line) if is_it(line) else [line])]
        return replace(staged, body="\n".join(lines))

    monkeypatch.setattr(AdictHook, "published_lines", changed)
    return said


def half_yearly(own: Any, account_id: str) -> str:
    (pce,) = known_account(own, account_id, history=False)
    own.control.set_quirks(pce, frequency="6M")
    return pce


def days_of(account_id: str) -> int:
    """Return how many days of the year with the missing half are in periods."""
    years = CouchDBHook().range(YEAR, *account_range(account_id))
    return int(next(each["published_days"] for each in years if each["year"] == MISSED))


def message(own: Any, account_id: str, pce: str) -> str:
    return str(document(own, account_id)["published"][pce].get("message", ""))


@pytest.mark.parametrize("line", [cut, gone])
def test_one_that_the_first_answer_lacked_comes_with_the_next_reading(
    own: Any, account_id: str, answers: Any, line: Callable[[str], Lines], capfd: pytest.CaptureFixture[str]
) -> None:
    pce = half_yearly(own, account_id)
    answers["line"] = line
    read()
    assert FIRST not in [each["first"] for each in periods(account_id)]
    said = f"No billing period is stored for {SPAN}. The next reading asks for all periods again."
    assert message(own, account_id, pce) == said
    assert said in "".join(capfd.readouterr())
    answers.clear()
    month_later(own, account_id)
    assert read()["new"] == 1
    assert days_of(account_id) == 365 + isleap(MISSED)
    assert message(own, account_id, pce) == ""


@pytest.mark.parametrize("place", [0, 3])
def test_one_that_couchdb_has_lost_is_asked_for_again(own: Any, account_id: str, place: int) -> None:
    half_yearly(own, account_id)
    for _ in range(2):
        read()
        month_later(own, account_id)
    before = periods(account_id)
    lost = before[place]
    CouchDBHook().write(PUBLISHED, [{"_id": lost["_id"], "_rev": lost["_rev"], "_deleted": True}])
    assert read()["new"] == 1
    assert [each["first"] for each in periods(account_id)] == [each["first"] for each in before]
