from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.gas.account.sections.rights.list_seen import ListMissed, missed_before, with_missed
from include.gas.rights.consent_brake import too_many

TODAY = date(2026, 11, 26)
ONE = timedelta(days=1)


@pytest.mark.parametrize(
    ("lost", "checked", "percent", "held"),
    [
        (7, 10, 10, True),
        (2, 10, 10, False),
        (3, 10, 10, True),
        (1, 1, 10, False),
        (500, 5000, 10, False),
        (501, 5000, 10, True),
        (5000, 5000, 100, False),
        (3, 5000, 0, True),
        (0, 0, 10, False),
    ],
)
def test_a_share_of_the_accounts_may_lose_theirs_in_one_morning(
    lost: int, checked: int, percent: int, held: bool
) -> None:
    assert too_many(lost, checked, percent) is held


def test_only_a_list_of_another_day_confirms() -> None:
    document = with_missed({"_id": "ana"}, TODAY)
    assert document == {"_id": "ana", ListMissed.key: "2026-11-26"}
    assert not missed_before(document, TODAY)
    assert missed_before(document, TODAY + ONE)
    assert with_missed(document, TODAY + ONE) == document, "the first day stays"
    assert with_missed(document, None) == {"_id": "ana"}


def test_a_clock_that_was_ahead_confirms_nothing_by_itself() -> None:
    ahead = with_missed({"_id": "ana"}, date(2027, 12, 1))
    assert not missed_before(ahead, TODAY)
    assert missed_before(with_missed(ahead, TODAY), TODAY + ONE)


@pytest.mark.parametrize("odd", [7, "soon", None, ["2026-11-25"]])
def test_an_odd_note_counts_as_none(odd: object) -> None:
    assert not missed_before({ListMissed.key: odd}, TODAY)
