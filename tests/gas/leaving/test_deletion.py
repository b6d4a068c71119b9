"""Leaving: the mark on the account, the plan of a deletion, and its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.account import Account
from include.gas.account.sections.marks import Leaving, leaving, with_leaving, without_leaving
from include.gas.documents.doctypes import DAY, MONTH
from include.gas.leaving.deletion_plan import Plan, divide, forget
from include.gas.leaving.deletion_record import (
    ASKED,
    all_left,
    audit_entry,
    finished,
    is_of,
    last_taker,
    left_at,
    taken_up,
    unfinished,
    with_removed,
    with_revoked,
)
from include.gas.rights.meter_rights import Meter, Right

NOW, LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"_id": "a", "account_type": "grdfgrandlyon", "oauth": {}}


def entry(**more: Any) -> dict[str, Any]:
    return audit_entry("a", "run-1", by="me", at=NOW, keep_data=False) | more


def test_the_mark() -> None:
    marked = with_leaving(ACCOUNT, run="r", by="me", since=NOW)
    assert leaving(marked) == Leaving("r", "me", "2026-01-02T03:04:05.000000Z", keep_data=False)
    assert Account.from_document(marked).leaving == leaving(marked)
    assert leaving(ACCOUNT) is None
    assert without_leaving(marked) == ACCOUNT
    assert "leaving" not in ACCOUNT, "the stored document is not changed"


def test_a_later_run_keeps_the_moment_and_its_own_choice() -> None:
    marked = with_leaving(ACCOUNT, run="r", by="me", since=NOW, keep_data=True)
    again = leaving(with_leaving(marked, run="r2", by="you", since=LATER))
    assert again == Leaving("r2", "you", "2026-01-02T03:04:05.000000Z", keep_data=False)
    assert (found := leaving(marked)) is not None
    assert found.keep_data


@pytest.mark.parametrize("odd", [None, "yes", 1, [], True])
def test_what_is_no_mark(odd: Any) -> None:
    assert leaving({"leaving": odd}) is None


def right(name: str, state: Any = "active", account: str = "a") -> Right:
    return Right(client="grdf_adict", id=name, account=account, way="declared", state=state, since="2026-01-01")


def test_whose_rights_are_revoked() -> None:
    meter = Meter(
        pce="GI000042",
        rights=(
            right("in-force"), right("waits", "waiting"), right("over", "ended"), right("", "asked"), right("named"),
            right("free", account=""), right("next", account="b"), right("former", "ended", "b"),
        ),
    )  # fmt: skip
    own, left = divide([meter], "a", used={"named"})
    assert [each.id for _, each in own] == ["in-force", "waits", "over"]
    assert left == {
        "named": "another account uses it",
        "free": "this account has not brought it",
        "next": "another account uses it",
    }
    assert [each.id for each in forget(meter, "a").rights] == ["free", "next", "former"]
    assert forget(Meter(pce="GI000042", rights=(right("x"), right("y", "ended", ""))), "a").rights == ()


def test_a_whole_record() -> None:
    record = entry()
    assert record["finished_at"] is None
    record = with_revoked(record, {"u-1": ASKED})
    record = with_revoked(record, {"u-1": "revoked", "u-2": ASKED})
    record = with_revoked(record, {"u-2": "was not in force", "u-1": "was not in force"})
    assert record["revoked"] == {"u-1": "revoked", "u-2": "was not in force"}
    record = with_removed(record, {DAY: 3, MONTH: 0, "staged": 1})
    record = with_removed(record, {DAY: 1})
    assert record["removed"] == {DAY: 3, "staged": 1}, "a killed try removed some"
    closed = finished(record, at=LATER, late={DAY: 2, MONTH: 1})
    assert closed["removed"] == {DAY: 5, "staged": 1, MONTH: 1}
    assert closed["finished_at"] == "2026-01-03T00:00:00.000000Z"
    assert closed["asked_at"] == "2026-01-02T03:04:05.000000Z"


def test_which_records_prove_that_a_household_has_left() -> None:
    ended = entry(finished_at="2026-01-02T04:00:00.000000Z")
    assert left_at([entry(), ended, ended | {"keep_data": True, "finished_at": "2027"}]) == ended["finished_at"]
    assert left_at([entry()]) == ""
    assert all_left([ended, entry(account="gone")]) == {ended["account"]: ended["finished_at"]}


def test_a_deletion_that_does_not_end_is_told_after_a_day() -> None:
    marked, gone = with_leaving(ACCOUNT, run="r", by="me", since=NOW), entry(account="gone")
    assert unfinished([ACCOUNT, marked], [gone], NOW + timedelta(hours=23)) == {}
    told = unfinished([ACCOUNT, marked], [gone], NOW + timedelta(hours=25))
    assert told.keys() == {"a", "gone"}
    assert "Account gone: its deletion of 2026-01-02 has not ended" in told["gone"]
    assert "start it for this account again" in told["a"]
    again = taken_up(entry(), "run-2", by="you", at=NOW + timedelta(hours=24), keep_data=False)
    assert unfinished([marked], [again, gone | {"finished_at": "2026"}], NOW + timedelta(hours=25)) == {}
    assert unfinished([], [{"_id": "approved.a:0", "account": "a", "at": ""}], LATER) == {}


def test_who_goes_on_with_it() -> None:
    same = taken_up(entry(), "run-1", by="me", at=NOW, keep_data=False)
    assert same == entry()
    second = taken_up(same, "run-2", by="you", at=LATER, keep_data=True)
    assert second["resumed"] == [{"run": "run-2", "by": "you", "at": "2026-01-03T00:00:00.000000Z"}]
    assert (second["run"], second["asked_by"], second["keep_data"]) == ("run-1", "me", True)
    assert taken_up(second, "run-2", by="you", at=NOW, keep_data=True) == second
    assert last_taker(entry()) == Leaving("run-1", "me", "2026-01-02T03:04:05.000000Z")
    assert last_taker(second) == Leaving("run-2", "you", "2026-01-03T00:00:00.000000Z", keep_data=True)


@pytest.mark.parametrize("damage", [None, "x", {}, 5, ["x", None], [{}]])
def test_a_damaged_record_stops_nobody(damage: object) -> None:
    """It is among those of all accounts, which are read each morning."""
    record = entry(resumed=damage)
    assert last_taker(record) is not None
    assert is_of(record, "run-1")
    assert not is_of(record, "run-2")
    resumed = taken_up(record, "run-2", by="you", at=LATER, keep_data=False)["resumed"]
    assert resumed[-1] == {"run": "run-2", "by": "you", "at": "2026-01-03T00:00:00.000000Z"}


def test_the_plan_names_what_goes_and_what_stays() -> None:
    text = Plan("a", (("u-1", "active"),), {DAY: 3, MONTH: 1}, 2, tokens=True, notes=("Beware.",)).text()
    for part in ("**a**", "u-1 (active)", "3 documents of com.grandlyon.grdf.day", "2 staged", "tokens", "Beware."):
        assert part in text
    kept = Plan("a", documents={DAY: 3}, keep_data=True).text()
    assert "Nothing is removed" in kept
    assert "3 documents" not in kept
