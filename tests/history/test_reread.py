"""A past range in one call per meter: what is requested, what is left out and why, and what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.marks import with_leaving
from include.gas.days.windows import oldest_allowed
from include.gas.documents.changes import DAYS_NAMED
from include.gas.errors import AccountLeaving, BadAccount, BadRequest, RetryLater
from include.gas.meter_tag import meter_tag
from tests.helpers import days_of, give_back, lose, stored
from tests.history.steps import (
    DAY,
    MONTH,
    YEAR,
    Y,
    asked,
    assert_stored_as_grdf,
    backfill,
    household,
    look_again,
    plan,
    read,
    read_operator,
    said,
    settled,
)
from tests.leaving.household import note_deletion

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


def test_three_years_in_one_call_and_what_is_definitive_never_again(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today, first = world.control.today(), oldest_allowed(world.control.today())
    (pce,) = household(world, account_id, first)

    done = read(account_id, first, today)

    assert asked(world) == [(pce, str(first), str(today))]
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, today)
    new = len(days_of(stored(couchdb, account_id, pce)))
    assert new > 1080
    assert {name: done.result[name] for name in ("calls", "new", "corrected")} == {
        "calls": 1, "new": new, "corrected": 0,
    }  # fmt: skip
    extra = dict(done.events)
    assert set(extra) == {DAY, MONTH, YEAR}
    assert extra[DAY] == {"account": account_id, "changed": new}
    changes = done.result["changes"]
    assert (changes["first"], len(changes["days"]), changes["counts"][DAY]) == (str(first), DAYS_NAMED, new)

    before = stored(couchdb, account_id, pce)
    with said() as lines:
        again = read(account_id, first, settled(world))
    assert asked(world) == []
    assert (again.result["calls"], again.events) == (0, [])
    assert any("are stored as definitive" in line for line in lines), lines

    for day in (first, date(Y - 1, 3, 1) - ONE, date(Y - 1, 3, 30), date(Y - 1, 12, 31), settled(world) - ONE):
        assert backfill(account_id, day).events == []
    assert asked(world) == [], "a native backfill over definitive days asks nothing"

    read(account_id, first, today)
    ((_, since, end),) = asked(world)
    assert settled(world) <= date.fromisoformat(since) < date.fromisoformat(end) == today, "only what is open"

    every = read(account_id, first, today, include_definitive=True)
    assert asked(world) == [(pce, str(first), str(today))]
    assert (every.result["new"], every.result["corrected"], every.events) == (0, 0, [])
    assert stored(couchdb, account_id, pce) == before


def test_what_cannot_be_asked_is_left_out_in_words(world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    today = world.control.today()
    begun, ended = today - timedelta(days=90), today - timedelta(days=30)
    (pce,) = household(world, account_id, begun, first=begun.isoformat(), end=ended.isoformat())
    with said() as lines:
        read(account_id, "2019-01-01", today + timedelta(days=400))
    text = "\n".join(line for line in lines if f"Account {account_id}, meter {meter_tag(account_id, pce)}: " in line)
    for reason in (
        f"GRDF keeps 3 years of daily data: days before {oldest_allowed(today)} are left out",
        f"days from {today} on are not over yet",
        f"consent starts with {begun}",
        f"consent ends before {ended}",
    ):
        assert reason in text
    assert asked(world) == [(pce, str(begun), str(ended))]
    assert_stored_as_grdf(world, couchdb, account_id, pce, begun, ended)
    assert "gaps" not in (world.book.get(account_id) or {}), "no day after the consent's end is missing"


@pytest.mark.parametrize(("start", "days"), [(-2500, 30), (0, 10), (500, 3), (-20, 10)])
def test_a_range_of_which_nothing_can_be_asked_makes_no_call_and_says_so(
    world: LocalWorld, account_id: str, start: int, days: int
) -> None:
    today = world.control.today()
    household(world, account_id, date(2024, 1, 1), end=(today - timedelta(days=40)).isoformat())
    first = today + timedelta(days=start)
    with said() as lines:
        done = read(account_id, first, first + timedelta(days=days))
    assert asked(world) == []
    assert done.result == {"account": account_id} | dict.fromkeys(
        ("calls", "new", "corrected", "confirmed", "unchanged", "absent"), 0
    ) | {"changes": {}, "unasked": done.result["unasked"]}
    assert any("no day of the range is left" in line for line in lines)
    assert any("left out" in line for line in lines), "and why"


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2026-03-01", "to": "2026-03-01"},
        {"from": "2026-02-30", "to": "2026-03-05"},
        {"from": "2026-3-1", "to": "2026-03-05"},
        {"from": None, "to": "2026-03-05"},
        {"accounts": "a"},
        {"accounts": {"a": 1}},
        {"accounts": ["a", ""]},
        {"accounts": ["a", 7]},
        {"accounts": ["a", None]},
    ],
)
def test_a_wrong_form_is_refused_before_any_account_is_read(wrong: dict[str, Any], world: LocalWorld) -> None:
    with pytest.raises(BadRequest, match="Nothing was read"):
        plan(**{"accounts": ["a"], "from": f"{Y}-03-01", "to": f"{Y}-03-05", "include_definitive": False, **wrong})
    assert world.control.log() == []


def test_accounts_named_twice_or_with_blanks_are_read_once_and_none_is_all(world: LocalWorld, account_id: str) -> None:
    household(world, account_id, date(2024, 1, 1))
    world.book.save({"_id": f"{account_id}-other", "account_type": "something.else"})
    filled = {"from": f"{Y}-03-01", "to": f"{Y}-03-05", "include_definitive": False}
    assert plan(accounts=["b", " a ", "b", "a"], **filled) == ["b", "a"]
    for none in ([], None):
        everybody = plan(accounts=none, **filled)
        assert account_id in everybody
        assert f"{account_id}-other" not in everybody


def test_an_odd_account_document_stops_nobody_else(world: LocalWorld, account_id: str) -> None:
    household(world, account_id, date(2024, 1, 1))
    odd = f"{account_id}-odd"
    filled = {"from": f"{Y}-03-01", "to": f"{Y}-03-05", "include_definitive": False}
    world.book.save({"_id": odd, "account_type": "grdfgrandlyon", "oauth_callback_results": {"consents": {"a": 1}}})
    try:
        assert plan(accounts=[account_id], **filled) == [account_id]
        with said() as lines:
            everybody = plan(accounts=[], **filled)
    finally:
        world.book.remove(odd)
    assert account_id in everybody
    assert odd not in everybody
    assert any(f"Account {odd} is left out of a re-read of all accounts" in line for line in lines)


def test_an_unknown_account_fails_naming_itself(world: LocalWorld, couchdb: CouchDBHook) -> None:
    with pytest.raises(BadAccount, match="nobody-here"):
        read("nobody-here", f"{Y}-03-01", f"{Y}-03-05")
    assert asked(world) == []


@pytest.mark.parametrize("how", ["gone", "lost", "leaving", "leaving, data kept"])
def test_an_account_that_leaves_while_it_is_read_leaves_nothing(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, how: str
) -> None:
    (pce,) = household(world, account_id, date(2024, 1, 1))
    read(account_id, f"{Y}-02-01", f"{Y}-02-03")
    mine = stored(couchdb, account_id, pce)
    operator = read_operator(account_id)
    ask = operator.adict.daily_lines

    def then_leave(*args: Any, **named: Any) -> Any:
        answer = ask(*args, **named)
        document = couchdb.get("io.cozy.accounts", account_id)
        assert document is not None
        if how != "lost":
            note_deletion(account_id, keep_data=how.endswith("kept"))
        if how in ("gone", "lost"):
            couchdb.put("io.cozy.accounts", {"_id": document["_id"], "_rev": document["_rev"], "_deleted": True})
        else:
            couchdb.put("io.cozy.accounts", with_leaving(document, by="someone", since=datetime.now(UTC)))
        return answer

    operator.adict.daily_lines = then_leave
    with pytest.raises(BadAccount if how in ("gone", "lost") else AccountLeaving, match=account_id):
        read(account_id, f"{Y}-03-01", f"{Y}-03-05", operator=operator)
    left = stored(couchdb, account_id, pce)
    if how in ("lost", "leaving, data kept"):
        assert mine.keys() <= left.keys()
    else:
        assert left == {}


def test_why_did_my_march_change(world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    (pce,) = household(world, account_id, date(Y, 3, 1))
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    before = stored(couchdb, account_id, pce)
    now = datetime.now(UTC)
    world.control.correct(pce, f"{Y}-03-14", before[f"{Y}-03-14"] + 12.25)
    assert read(account_id, f"{Y}-03-01", f"{Y}-04-01").events == [], "definitive days are asked only when told so"

    with said() as lines:
        done = read(account_id, f"{Y}-03-01", f"{Y}-04-01", include_definitive=True)

    after = stored(couchdb, account_id, pce)
    assert {period for period in after if after[period] != before[period]} == {f"{Y}-03-14", f"{Y}-03", str(Y)}
    assert done.result["corrected"] == 1
    assert dict(done.events)[DAY]["changed"] == 1
    assert done.result["changes"]["days"] == [f"{Y}-03-14"]
    document = couchdb.get(DAY, f"{account_id}:{pce}:2026-03-14")
    assert document is not None
    (change,) = document["changes"]
    assert (change["before"], change["after"], change["status"]) == (
        before[f"{Y}-03-14"], after[f"{Y}-03-14"], "definitive",
    )  # fmt: skip
    assert now <= datetime.fromisoformat(change["at"]) + timedelta(seconds=1)
    assert any("totals computed anew: 1 month(s), 1 year(s)" in line for line in lines)

    for turn in range(14):
        world.control.correct(pce, f"{Y}-03-14", 100 + turn)
        backfill(account_id, date(Y, 3, 14), include_definitive=True)
    document = couchdb.get(DAY, f"{account_id}:{pce}:2026-03-14")
    assert document is not None
    assert [change["after"] for change in document["changes"]] == [100 + turn for turn in range(4, 14)]


def test_one_meter_refused_does_not_keep_the_other_from_being_read(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    bad, good = household(world, account_id, date(Y, 3, 1), 2)
    lose(world, bad)
    with pytest.raises(Exception, match=account_id) as failed:
        read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    assert bad in str(failed.value) or "consent" in str(failed.value)
    assert stored(couchdb, account_id, bad) == {}
    assert_stored_as_grdf(world, couchdb, account_id, good, f"{Y}-03-01", f"{Y}-04-01")
    assert (world.book.get(account_id) or {})["state_partial"] is True
    assert len(asked(world)) == 2
    give_back(world, bad)
    look_again(bad)
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    assert [call[0] for call in asked(world)] == [bad], "started again, only what is not stored is asked"


def test_an_outage_is_tried_again_and_asks_only_for_what_is_left(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    one, two = household(world, account_id, date(Y, 3, 1), 2)
    world.control.fault(f"/pce/{two}/", status=503, times=1)
    with pytest.raises(RetryLater):
        read(account_id, f"{Y}-03-01", f"{Y}-04-01", try_number=1)
    assert len(asked(world)) == 2
    done = read(account_id, f"{Y}-03-01", f"{Y}-04-01", try_number=2)
    assert [call[0] for call in asked(world)] == [two]
    assert done.result["new"] == 31
    for pce in (one, two):
        assert_stored_as_grdf(world, couchdb, account_id, pce, f"{Y}-03-01", f"{Y}-04-01")
