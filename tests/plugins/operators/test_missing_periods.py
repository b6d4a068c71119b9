"""A billing period that is missing from an answer, from CouchDB or from what a right covered is asked for again."""

from __future__ import annotations

import json
from calendar import isleap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import known_account
from tests.plugins.published import asked_from, change, document, month_later, periods
from tests.plugins.steps import read_published as read

TODAY = paris_today(datetime.now(UTC))
ALL_OF_IT = str(oldest_allowed(TODAY, 5))
MISSED = TODAY.year - 2
"""The year whose first half is missing."""
FIRST, SPAN = f"{MISSED}-01-01", f"{MISSED}-01-01 to {MISSED}-06-30"

Lines = list[str]

pytestmark = pytest.mark.usefixtures("home")


def cut(line: str) -> Lines:
    return [line[: len(line) // 2]]


def with_energy(value: object) -> Callable[[str], Lines]:
    def changed(line: str) -> Lines:
        said = json.loads(line)
        said["consommation"]["energie"] = value
        return [json.dumps(said)]

    return changed


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


@pytest.mark.parametrize(
    "line", [cut, with_energy(None), with_energy("5432"), gone], ids=["cut", "no energy yet", "text", "no line"]
)
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


def test_one_that_two_whole_answers_lacked_is_asked_for_no_more_unless_by_hand(
    own: Any, account_id: str, answers: Any
) -> None:
    pce = half_yearly(own, account_id)
    answers["line"] = gone
    read()
    own.control.clear_log()
    read(account_id)
    assert asked_from(own) == [ALL_OF_IT], "by hand"
    assert "asks for all periods again" in message(own, account_id, pce), "on the same day"
    month_later(own, account_id)
    read()
    assert asked_from(own) == [ALL_OF_IT]
    assert message(own, account_id, pce) == f"GRDF has no billing period for {SPAN}."
    month_later(own, account_id)
    read()
    assert asked_from(own) > [ALL_OF_IT]
    assert message(own, account_id, pce) == f"GRDF has no billing period for {SPAN}."
    answers.clear()
    assert read(account_id)["new"] == 1
    assert message(own, account_id, pce) == ""


@pytest.mark.parametrize("line", [cut, with_energy(None)], ids=["cut", "no energy yet"])
def test_one_that_grdf_names_is_asked_for_until_it_comes(own: Any, account_id: str, answers: Any, line: Any) -> None:
    half_yearly(own, account_id)
    answers["line"] = line
    for _ in range(4):
        own.control.clear_log()
        read()
        assert asked_from(own) == [ALL_OF_IT]
        month_later(own, account_id)
    answers.clear()
    assert read()["new"] == 1


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


def test_a_right_that_covers_older_days_brings_their_periods(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, history=False, conso_debut=str(TODAY - timedelta(days=500)))
    own.control.set_quirks(pce, frequency="6M")
    for _ in range(3):
        read()
        month_later(own, account_id)
    (entry,) = document(own, account_id)["oauth_callback_results"]["consents"]
    assert entry["first"] == str(TODAY - timedelta(days=500))
    own.control.clear_log()
    read()
    assert asked_from(own) > [entry["first"]], "nothing is missing"
    month_later(own, account_id)
    before, older = periods(account_id), str(TODAY - timedelta(days=1500))
    own.control.change_consent(entry["id_accreditation"], perim_donnees_conso_debut=older)
    change(own, account_id, oauth_callback_results={"pce_id": pce, "consents": [entry | {"first": older}]})
    read()
    assert asked_from(own) == [older]
    assert len(periods(account_id)) >= len(before) + 5


def test_a_note_of_a_former_version_has_all_read_once_more(own: Any, account_id: str) -> None:
    pce = half_yearly(own, account_id)
    for _ in range(2):
        read()
        month_later(own, account_id)
    said = document(own, account_id)
    del said["published"][pce]["gaps"]
    own.book.save(said)
    own.control.clear_log()
    read()
    assert asked_from(own) == [ALL_OF_IT]
