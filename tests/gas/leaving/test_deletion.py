"""Leaving: the mark on the account, the plan of a deletion, and its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.account import Account
from include.gas.account.marks import leaving, with_leaving, without_leaving
from include.gas.documents.doctypes import DAY
from include.gas.leaving.deletion import (
    Order,
    all_left,
    begun,
    divide,
    not_gone,
    open_record,
    plan_text,
    with_question,
)
from include.gas.rights.meter_rights import Meter, Right

NOW, LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"_id": "a", "account_type": "grdfgrandlyon", "oauth": {}}


def order(run: str = "run-1", **more: Any) -> Order:
    return Order(**{"run": run, "started": "s", "asked_by": "me", "keep_data": False, **more})


def entry(**more: Any) -> dict[str, Any]:
    return begun(open_record("a", []), order(), NOW) | more


def test_the_mark() -> None:
    marked = with_leaving(ACCOUNT, by="me", since=NOW)
    assert marked["leaving"] == {"by": "me", "since": "2026-01-02T03:04:05.000000Z"}
    assert leaving(marked) == "me"
    assert leaving({"leaving": {}}), "any object counts"
    assert Account.from_document(marked).leaving == leaving(marked)
    assert leaving(ACCOUNT) is None
    assert without_leaving(marked) == ACCOUNT
    assert "leaving" not in ACCOUNT, "the stored document is not changed"


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


def test_which_records_prove_that_a_household_has_left_or_leaves_for_good() -> None:
    ended, kept = entry(finished_at="2026-01-02T04:00:00.000000Z"), entry(keep_data=True, finished_at="2027")
    assert all_left([entry(), ended, kept]) == {"a": ended["finished_at"]}
    assert all_left([kept, entry(account="leaves")]) == {"leaves": "2026-01-02T03:04:05.000000Z"}
    assert all_left([open_record("a", [])]) == {}, "a question removes nothing"


def test_an_account_has_one_open_record() -> None:
    first = open_record("a", [])
    assert first["_id"] == "a:0001"
    assert open_record("a", [first]) == first
    assert open_record("a", [first | {"finished_at": "2026"}])["_id"] == "a:0002"


def test_a_deletion_that_does_not_end_is_told_after_a_day() -> None:
    gone, kept, why = (
        entry(account="gone"),
        entry(account="kept", keep_data=True),
        "its deletion of 2026-01-02 has not ended",
    )
    assert not_gone([entry(), gone], ["a"], NOW + timedelta(hours=23)) == {}
    assert not_gone([entry(), gone, kept], ["a"], NOW + timedelta(hours=25)) == dict.fromkeys(
        ("a", "gone", "kept"), why
    )
    asked = with_question(open_record("b", []), order())
    assert not_gone([asked, gone | {"finished_at": "2026"}], ["b"], NOW + timedelta(hours=25)) == {}


def test_who_is_back_after_a_deletion_is_told() -> None:
    ended, kept = entry(finished_at="2026-01-02T04"), entry(account="b", keep_data=True, finished_at="2026-01-02T04")
    assert not_gone([ended, kept], ["a", "b"], NOW) == {"a": "deleted on 2026-01-02, and back, as by a restored backup"}
    again = entry(_id="a:0002", begun_at="2026-01-05T04")
    assert not_gone([ended, again], ["a"], NOW + timedelta(days=9)) == {"a": "its deletion of 2026-01-05 has not ended"}
    assert not_gone([ended, again | {"finished_at": "2026-01-05T05"}], [], NOW + timedelta(days=9)) == {}


def test_who_goes_on_with_it() -> None:
    second = begun(entry(), order("run-2", asked_by="you", keep_data=True, approved_by="me"), LATER)
    assert (second["run"], second["asked_by"], second["approved_by"]) == ("run-2", "you", "me")
    assert not second["keep_data"], "what has begun to remove the data goes on"
    assert second["begun_at"] == "2026-01-02T03:04:05.000000Z"
    assert begun(second, order("run-2", asked_by="you", keep_data=True, approved_by="me"), LATER) == second
    assert order("run-2").noted_in(second).approved_by == "me"
    cleared = order("run-2", started="since it was cleared")
    assert cleared.noted_in(second) == cleared


def test_what_waits_for_an_approval_changes_nothing_of_what_is_carried_out() -> None:
    question = order("run-2", rights=["u-1"])
    asked = with_question(entry(), question)
    assert order("run-2").noted_in(asked) == question
    assert order().noted_in(asked) == order()
    assert asked | {"questions": []} == entry()
    taken_over = begun(asked, question, LATER)
    assert order().noted_in(taken_over).approved_by == ""


def test_the_plan_names_what_goes_and_what_stays() -> None:
    text = plan_text("a", {"u-1": "active"}, {}, {f"documents of {DAY}": 3, "staged files": 2}, ["Beware."])
    for part in ("**a**", "u-1 (active)", "3 documents of com.grandlyon.grdf.day", "2 staged", "tokens", "Beware."):
        assert part in text
    kept = plan_text("a", {}, {"u-2": "another account uses it"}, None)
    assert "Nothing is removed" in kept
    assert "u-2 (another account uses it)" in kept
