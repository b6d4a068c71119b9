"""Accounts that are gone from CouchDB: an accident, or households that have left."""

from __future__ import annotations

from collections.abc import Collection, Set
from datetime import UTC, datetime

import pytest

from include.gas.health.limits import Cause, Limits
from include.gas.health.vanished import AT_ONCE, vanished
from include.gas.health.verdict import judge


def names(number: int, first: int = 0) -> set[str]:
    return {f"a{at:03}" for at in range(first, number)}


def nothing(ids: Collection[str]) -> Set[str]:
    return set()


@pytest.mark.parametrize(("left", "gone"), [(20, 0), (10, 0), (9, 11), (0, 20)])
def test_more_than_ten_of_few(left: int, gone: int) -> None:
    found, known = vanished(names(left), names(20), nothing)
    assert (len(found), known) == (gone, 20)


@pytest.mark.parametrize(("left", "gone"), [(80, 0), (79, 21)])
def test_more_than_a_fifth_of_many(left: int, gone: int) -> None:
    assert len(vanished(names(left), names(100), nothing)[0]) == gone


@pytest.mark.parametrize(
    ("known", "left", "gone"), [(10, 1, 9), (10, 4, 6), (10, 5, 0), (3, 1, 2), (3, 2, 0), (2, 1, 0), (12, 2, 10)]
)
def test_more_than_half_of_a_small_fleet(known: int, left: int, gone: int) -> None:
    assert len(vanished(names(left), names(known), nothing)[0]) == gone


def test_households_that_leave_a_small_fleet_by_a_deletion_are_not_missed() -> None:
    assert vanished(names(1), names(10), set)[0] == {}, "another program has deleted them, as Cozy does"
    assert vanished(names(4), names(10), {"a009"}.intersection)[0] == {}, "half of them is no accident"
    assert set(vanished(names(3), names(10), {"a009"}.intersection)[0]) == names(9, 3)


def test_of_many_that_are_gone_it_is_told_which_were_deleted() -> None:
    """Another program may have deleted them by mistake: they are told all the same."""
    found, _ = vanished(names(5), names(30), names(10).intersection)
    assert set(found) == names(30, 5)
    assert (found["a009"], found["a010"]) == ("its document was deleted", "")


def test_it_is_asked_once_and_only_if_accounts_are_gone() -> None:
    asked: list[int] = []

    def deleted(ids: Collection[str]) -> Set[str]:
        asked.append(len(ids))
        return set()

    vanished(names(9), names(9), deleted)
    assert asked == []
    vanished(names(700), names(900), deleted)
    assert asked == [200]
    vanished(set(), {str(number) for number in range(AT_ONCE + 1)}, deleted)
    assert asked == [200], "two requests are not made"


def test_a_small_fleet_that_is_empty_has_lost_its_accounts_unless_they_were_deleted() -> None:
    assert vanished(set(), names(3), nothing) == (dict.fromkeys(names(3), ""), 3)
    assert set(vanished(set(), names(3), names(2).intersection)[0]) == {"a002"}
    assert vanished(set(), names(3), set) == ({}, 3)


def test_a_new_installation_has_lost_nothing() -> None:
    assert vanished(set(), None, nothing) == ({}, 0)
    assert vanished(names(5), None, nothing) == ({}, 0)


def test_the_verdict_names_them_in_the_log_and_not_in_the_alert() -> None:
    empty = judge([], [], Limits(), datetime(2026, 6, 10, 12, 0, tzinfo=UTC))
    assert empty.with_lost({}, 20) == empty
    found = empty.with_lost(dict.fromkeys(names(12), "") | {"a001": "its document was deleted"}, 20)
    assert [each.cause for each in found.red] == [Cause.LOST]
    assert "12 of 20 known accounts are gone from CouchDB" in found.headline()
    assert "a000; a001 (its document was deleted); and 10 more" in found.red[0].line(2)
    assert "a000" not in found.message()
