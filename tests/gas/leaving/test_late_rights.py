"""Declarations that a deletion's record keeps, until nobody must look for their right any more."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.gas.account.sections.rights.sent_declarations import hashed
from include.gas.answers.access_rights import AccessRight
from include.gas.leaving.deletion_record import ASKED, audit_entry
from include.gas.leaving.late_rights import UNANSWERED, without_ended

PCE, EMAIL = "09944444400011", "late@invented.example"
SENT_AT = "2026-03-02T10:00:00Z"
BEFORE, AFTER = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
SENT = {"at": SENT_AT, "email": hashed(PCE, EMAIL), "name": hashed(PCE, "durand")}


def right(name: str, state: str = "active") -> AccessRight:
    """A right of the day of the declaration. GRDF's list may name no hour."""
    return AccessRight(name, PCE, "", state, created=date(2026, 3, 2), holder=("durand", EMAIL, "69001"))


def record(run: str, asked: datetime, **more: Any) -> dict[str, Any]:
    return audit_entry("home", run, by="me", at=asked, keep_data=False) | more


ENTRY = record("run-2", AFTER, **{UNANSWERED: [SENT]})


@pytest.mark.parametrize("state", ["active", "revoked"])
@pytest.mark.parametrize(
    ("asked", "outcome", "is_looked_for"),
    [(BEFORE, "revoked", True), (AFTER, "revoked", False), (AFTER, ASKED, True)],
    ids=["an earlier deletion", "a later one", "a later one that has no answer"],
)
def test_what_another_deletion_has_ended(asked: datetime, outcome: str, is_looked_for: bool, state: str) -> None:
    """An earlier one has ended what was declared before, on the same day for the same holder."""
    other = record("run-other", asked, revoked={"r-1": outcome})
    left = without_ended(ENTRY, [ENTRY, other], [right("r-1", state)])
    assert left.get(UNANSWERED) == ([SENT] if is_looked_for else None)


@pytest.mark.parametrize("state", ["active", "revoked", "refused"])
def test_what_has_ended_by_itself_may_be_another_one(state: str) -> None:
    """The holder has refused what was declared under a wrong account on the same day."""
    assert without_ended(ENTRY, [ENTRY], [right("r-1", state)]) == ENTRY


def test_a_right_of_somebody_else_says_nothing() -> None:
    other = AccessRight("r-1", PCE, "", "revoked", created=date(2026, 3, 2), holder=("martin", "m@other.example", ""))
    assert without_ended(ENTRY, [ENTRY], [other]) == ENTRY
