"""Lives in which a history is read while GRDF's list is wrong, or while the meter changes hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from include.sandbox.adict.access import rights
from tests.model import tasks
from tests.model.leader import Leader
from tests.model.truth import DAYS
from tests.model.world import METERS, begin, terms

ALDER, PCE = "alder", METERS[0]


@pytest.fixture
def leader(staging: Path) -> Iterator[Leader]:
    """The leader of a new life."""
    for name, value in tasks.SETTINGS.items():
        tasks.setting(name, value)
    world = begin(date(2026, 4, 20), staging)
    yield Leader(world)
    world.end()


def connect(leader: Leader, back: int) -> str:
    """Make a household consent to some past days on the page, and return the right."""
    given = terms(leader.world.today, back, 400, 800)
    code, (right,) = leader.world.consent(ALDER, [PCE], given, keep_others=True, nonce="n")
    leader._by_page(ALDER, code, "n")
    leader._begin(ALDER)
    return right


def say(leader: Leader, right: str, first: date) -> None:
    """Make GRDF's list say from which day on a right allows days."""
    changed = rights.find_right(leader.world.sandbox.store, right)
    assert changed is not None
    changed["perim_donnees_conso_debut"] = first.isoformat()
    rights.save_right(leader.world.sandbox.store, changed)


def first_stored(leader: Leader) -> date:
    start = f"{ALDER}:{PCE}:"
    return min(
        date.fromisoformat(key[len(start) :])
        for database, key in leader.world.book.documents
        if database == DAYS and key.startswith(start)
    )


def asked_from(leader: Leader, mornings: int) -> list[date]:
    """Let mornings pass, and return the first day of each request for gas days."""
    asked: list[date] = []
    wire = leader.world.wire
    usual = wire.witness.answered

    def answered(call: object) -> None:
        if call.path.endswith("/donnees_consos_informatives"):  # type: ignore[attr-defined]
            asked.append(date.fromisoformat(call.query["date_debut"]))  # type: ignore[attr-defined]
        usual(call)  # type: ignore[arg-type]

    leader.world.book.answered = answered  # type: ignore[assignment,method-assign]
    leader.do_days(mornings)
    leader.world.book.answered = usual  # type: ignore[method-assign]
    return asked


def test_a_right_that_is_widened_has_its_older_days_read(leader: Leader) -> None:
    right = connect(leader, 60)
    leader.do_days(3)
    wide = date(2023, 7, 1)
    say(leader, right, wide)
    asked = asked_from(leader, 4)
    assert first_stored(leader) == wide
    assert asked.count(wide) == 1, "once"
    leader.settle()


def test_a_list_that_names_a_later_day_on_the_first_morning_loses_no_day(leader: Leader) -> None:
    right, allowed = connect(leader, 1000), leader.world.today - timedelta(days=1000)
    say(leader, right, leader.world.today - timedelta(days=30))
    leader.do_days(1)
    say(leader, right, allowed)
    leader.do_days(2)
    assert first_stored(leader) == allowed
    leader.settle()


def test_a_list_that_names_a_later_day_now_and_then_has_nothing_read_again(leader: Leader) -> None:
    right, allowed = connect(leader, 1000), leader.world.today - timedelta(days=1000)
    leader.do_days(1)
    asked = []
    for number in range(6):
        say(leader, right, allowed if number % 2 else leader.world.today - timedelta(days=30))
        asked += asked_from(leader, 1)
    assert len(asked) == 6
    assert min(asked) > leader.world.today - timedelta(days=60)
    assert first_stored(leader) == allowed


@pytest.mark.parametrize("after", range(16))
def test_a_monthly_reading_stores_nothing_of_who_has_the_meter_now(leader: Leader, after: int) -> None:
    connect(leader, 300)
    leader.do_days(2)
    leader.step(("meanwhile", after, ("revoke", 0, ALDER, "TITULAIRE")))
    leader.step(("meanwhile", after, ("connect", "birch", [0], "page", 300, 400, 400, "beside")))
    leader.step(("published",))
