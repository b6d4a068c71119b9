"""A past range in one call per meter, or backfilled day by day: what is asked for, left out and why, and stored."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.history import AnnounceHistoryOperator, ReadHistoryOperator
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY
from include.gas.errors import BadAccount, BadRequest, RetryLater
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import context, give_back, lose, stored
from tests.history.steps import (
    Y,
    asked,
    assert_stored_as_grdf,
    backfill,
    execute,
    household,
    look_again,
    make,
    plan,
    read,
)
from tests.leaving.steps import delete

ONE = timedelta(days=1)
MARCH = f"{Y}-03-01", f"{Y}-04-01"
FORM = {"from": f"{Y}-03-01", "to": f"{Y}-03-05", "include_definitive": False}


def test_what_cannot_be_asked_is_left_out_in_words(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    today = clean.control.today()
    begun, ended = today - 90 * ONE, today - 30 * ONE
    (pce,) = household(clean, account_id, begun, first=str(begun), end=str(ended))
    read(account_id, "2019-01-01", today + 400 * ONE)
    said = capfd.readouterr().out
    for word in (meter_tag(account_id, pce), *(str(day) for day in (oldest_allowed(today), today, begun, ended))):
        assert word in said
    assert asked(clean) == [(pce, str(begun), str(ended))]
    assert_stored_as_grdf(clean, couchdb, account_id, pce, begun, ended)
    done = read(account_id, today - 20 * ONE, today - 10 * ONE)
    assert "left out" in capfd.readouterr().out
    assert (done.result["calls"], done.result["changes"], done.events, asked(clean)) == (0, {}, [], [])
    assert done.result["unasked"]


@pytest.mark.parametrize("wrong", [{"from": "2030-03-02"}, {"from": None}, {"accounts": "a"}], ids=str)
def test_a_wrong_form_is_refused_before_any_account_is_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="Nothing was read"):
        plan(**{"accounts": ["a"], **FORM, **wrong})


def test_whose_past_is_read(clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]) -> None:
    household(clean, account_id, date(2024, 1, 1))
    clean.book.save({"_id": f"{account_id}-other", "account_type": "something.else"})
    odd, given = f"{account_id}-odd", {"oauth_callback_results": {"consents": {"a": 1}}}
    clean.book.save({"_id": odd, "account_type": "grdfgrandlyon", **given})
    assert plan(accounts=["b", " a ", "b", "a"], **FORM) == ["b", "a"]
    for everybody in (plan(accounts=[], **FORM), plan(accounts=None, **FORM)):
        assert [each for each in everybody if each.startswith(account_id)] == [account_id]
    assert odd in capfd.readouterr().out, "it is named, and stops no other"
    clean.book.remove(odd)
    announce = make(AnnounceHistoryOperator, planned=["b", account_id], results=[None, None])
    execute(announce, context(run_type="manual"))
    assert f"2 of 2 accounts could not be read: {account_id}, b" in capfd.readouterr().out
    with pytest.raises(BadAccount, match="not-here"):
        read("not-here", *MARCH)
    assert asked(clean) == []


@pytest.mark.parametrize("how", ["gone", "lost", "leaving", "leaving, data kept"])
def test_an_account_that_leaves_while_it_is_read_leaves_nothing(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, how: str
) -> None:
    (pce,) = household(clean, account_id, date(2024, 1, 1))
    read(account_id, f"{Y}-02-01", f"{Y}-02-03")
    mine = stored(couchdb, account_id, pce)
    operator = make(ReadHistoryOperator, account_id=account_id)
    ask = operator.adict.daily_lines

    def then_leave(*args: Any, **named: Any) -> Any:
        answer = ask(*args, **named)
        if how == "lost":
            clean.book.remove(account_id)
        else:
            steps = {} if how == "gone" else {"steps": ("check", "mark")}
            delete(account_id, form={"keep_data": how.endswith("kept")}, **steps)
        return answer

    operator.adict.daily_lines = then_leave
    with pytest.raises(BadAccount if how in ("gone", "lost") else AirflowSkipException, match=account_id):
        read(account_id, f"{Y}-03-01", f"{Y}-03-05", operator=operator)
    left = stored(couchdb, account_id, pce)
    assert mine.keys() <= left.keys() if how in ("lost", "leaving, data kept") else left == {}


def test_what_one_meter_lacks_is_asked_for_alone_by_the_next_try(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    bad, good = household(clean, account_id, date(Y, 3, 1), 2)
    lose(clean, bad)
    with pytest.raises(Exception, match=account_id):
        read(account_id, *MARCH)
    assert (clean.book.get(account_id) or {})["state_partial"] is True
    assert len(asked(clean)) == 2
    give_back(clean, bad)
    look_again(bad)
    clean.control.fault(f"/pce/{bad}/", status=503, times=1)
    with pytest.raises(RetryLater):
        read(account_id, *MARCH, try_number=1)
    assert stored(couchdb, account_id, bad) == {}
    done = read(account_id, *MARCH, try_number=2)
    assert [call[0] for call in asked(clean)] == [None, bad], "the one that failed, and the other is not asked for"
    assert done.result["new"] == 31
    for pce in (bad, good):
        assert_stored_as_grdf(clean, couchdb, account_id, pce, *MARCH)


def test_only_the_open_days_of_a_meter_are_asked_for_unless_a_run_says_otherwise(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    one, two = household(clean, account_id, date(Y, 3, 1), 2)
    clean.control.set_quirks(two, lines={"missing": [f"{Y}-03-10"]})
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    clean.control.set_quirks(two)
    clean.control.clear_log()
    revision = (clean.book.get(account_id) or {})["_rev"]
    for conf in ({}, {"include_definitive": "true"}, {"include_definitive": 1}, {"other": True}):
        capfd.readouterr()
        done = backfill(account_id, date(Y, 3, 31), **conf)
        assert (done.result, done.events) == ({"account": account_id}, [])
    assert clean.control.log() == [], "no call at all, not even for a token"
    assert (clean.book.get(account_id) or {})["_rev"] == revision
    said = "".join(capfd.readouterr())
    assert all(meter_tag(account_id, pce) in said for pce in (one, two))
    assert '{"include_definitive": true}' in said, "how to ask all the same"
    done = backfill(account_id, date(Y, 3, 10))
    assert asked(clean) == [(two, f"{Y}-03-10", f"{Y}-03-11")]
    assert (dict(done.events)[DAY]["changed"], done.result["changes"]["days"]) == (1, [f"{Y}-03-10"])
    for pce in (one, two):
        assert_stored_as_grdf(clean, couchdb, account_id, pce, f"{Y}-03-01", f"{Y}-04-01")
    backfill(account_id, date(Y, 3, 31), include_definitive=True)
    read(account_id, f"{Y}-03-30", f"{Y}-04-01", include_definitive=True)
    last, two_days = (f"{Y}-03-31", f"{Y}-04-01"), (f"{Y}-03-30", f"{Y}-04-01")
    assert asked(clean) == [(pce, *days) for days in (last, two_days) for pce in (one, two)]
