"""Days and moments on an account document that no calendar can reckon with."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from include.gas.display.overview import Situation, overview
from include.gas.health.causes import Cause
from include.gas.rights.meter_rights import Proof
from tests.gas.health.judged import TODAY, causes, held, judged, with_held
from tests.readings import with_billing, with_reading

PCE, RIGHT, AT = "02201000000001", "right", "2026-01-01T08:00:00.000000Z"
HOLE = {"first": "9999-12-23", "end": "9999-12-28"}
LAST_YEAR = {"9999": {"first": "9999-12-20", "last": "9999-12-31", "absent": [HOLE]}}
ODD = (
    "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-06-10T08:00:00", "", "x",
    "\ud800", 10**400, float("nan"), -1, None, [], {}, ["9999-12-31"], LAST_YEAR,
)  # fmt: skip


def account(name: str = "home") -> dict[str, Any]:
    """An account with everything on it that has a day or a moment."""
    dates = {"first": "2023-01-01", "end": "2029-01-01", "calls_until": "2029-01-01"}
    document = {
        "_id": name,
        "account_type": "grdfgrandlyon",
        "state": None,
        "state_since": AT,
        "connected": {"at": AT, "by": "x"},
        "declaration": {"pce": PCE, "entered_at": AT, **dates},
    }  # fmt: skip
    ends = date(2029, 1, 1)
    proofs = {RIGHT: Proof(state="asked", until=date(2026, 12, 1), sent=AT)}
    meter = held(PCE, first=date(2023, 1, 1), end=ends, day=ends, since=AT, own=(RIGHT,), proofs=proofs)
    years = {
        "2026": {"first": "2026-01-01", "last": "2026-06-08", "absent": [{"first": "2026-02-01", "end": "2026-02-03"}]}
    }
    return with_billing(with_reading(with_held(document, meter), PCE, years), PCE, until="2026-06-01")


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from places(inner, (*at, key))


@pytest.mark.parametrize("place", [each for each in places(account()) if each != ("_id",)], ids=str)
def test_no_damaged_value_stops_the_summary_of_an_account(place: tuple[Any, ...]) -> None:
    for odd in ODD:
        document: Any = copy.deepcopy(account())
        inner = document
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = odd
        assert overview(document).situation(TODAY) in Situation
        assert judged(document).accounts == 1


def test_accounts_that_cannot_be_understood_are_not_read_and_the_others_are_judged() -> None:
    damaged = account("damaged") | {"oauth": "x"}
    late = with_reading(account("late"), PCE, {"2026": {"first": "2026-03-01", "last": "2026-03-09"}})
    assert overview(damaged).situation(TODAY) == Situation.ODD
    found = judged(damaged, damaged | {"_id": "odd"}, late, account())
    assert causes(found) == {"unread": ["damaged", "odd"], "alone": ["late"]}
    assert [each.cause for each in found.red] == [Cause.UNREAD]
    leaving = damaged | {"leaving": {"run": "r", "by": "x", "since": AT}}
    assert overview(leaving).situation(TODAY) == Situation.LEAVING
