"""The verdict on a fleet: which accounts count against it, and what a person reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.status import Reading, Status
from include.gas.answers.proof_state import ASKED
from include.gas.documents.year_counts import StoredYear
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import concerns_of_rights
from include.gas.health.verdict import Client, Verdict, names
from include.gas.rights.meter_rights import Meter, Proof, Right
from tests.gas.health.judged import NOW, TODAY, causes, held, judged, with_held

PCE = "02201000000000"
QUOTA = Client("grdf_adict", 5000, 6000)


def account(name: str, last: date | None = TODAY - timedelta(days=2), **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_id": name,
        "account_type": "grdfgrandlyon",
        "state": None,
    }
    first = last and last - timedelta(days=99)
    years = {str(last.year): StoredYear(first, last)} if last and first else {}
    document = Status.with_reading(with_held(document, held(PCE)), PCE, Reading(years, date(2026, 1, 1), first))
    return document | more


def over(document: dict[str, Any], since: int) -> dict[str, Any]:
    """Return an account whose only right has been over for some days."""
    end = TODAY - timedelta(days=since)
    return with_held(document, held(PCE, "over", end=end, day=end)) | {"state": "USER_ACTION_NEEDED.OAUTH_OUTDATED"}


def verdict(documents: Iterable[dict[str, Any]], **more: Any) -> Verdict:
    return judged(*documents, **{"clients": (QUOTA,), **more})


def test_a_fleet_that_is_read_is_well() -> None:
    found = verdict([account("a"), account("b")])
    assert found.red == ()
    assert found.headline().startswith("The fleet is well: 2 of 2")


def test_no_account_is_no_fault_and_says_so() -> None:
    found = verdict([])
    assert found.red == ()
    assert "No account is connected yet" in found.headline()


def old(name: str, age: int = 8, **more: Any) -> dict[str, Any]:
    """Return an account whose newest day is so old."""
    return account(name, TODAY - timedelta(days=age), **more)


WELL = [account(f"well-{number}") for number in range(9)]


def test_the_cause_of_silence_is_looked_for_in_order() -> None:
    """No token, us, GRDF late for everybody, this meter alone. Whose right is over is not silent."""
    paused = {"old": "its DAG is paused"}
    assert causes(verdict([old("a"), old("b"), old("c"), account("well")])) == {"late": ["a", "b", "c"]}
    token = verdict([old("read"), old("old"), *WELL], unread=paused, refused=["grdf_adict"])
    assert causes(token) == {"token": ["old"], "alone": ["read"]}, "who is read has a token"
    assert "GRDF gives no token: grdf_adict is refused. If it is" in token.findings[0].line(())
    assert causes(verdict([old("old"), *WELL])) == {"alone": ["old"]}
    assert causes(verdict([old("old"), *WELL], unread=paused)) == {"unread": ["old"]}
    everybody = [old(name) for name in ("a", "b", "old")]
    unread = dict.fromkeys(("a", "b"), "?") | paused
    assert causes(verdict(everybody, unread=unread, refused=["grdf_adict"])) == {"token": ["a", "b", "old"]}
    assert causes(verdict(everybody, unread=unread)) == {"unread": ["a", "b", "old"]}
    assert causes(verdict([old("a"), old("b")])) == {"alone": ["a", "b"]}, "two are not everybody"
    behind = [old("a", 6), *(old(f"b{number}", 5) for number in range(9))]
    assert causes(verdict(behind)) == {"late": ["a"]}, "the others are silent tomorrow"
    down = old("old", state="VENDOR_DOWN", state_since="2026-06-02T08:00:00.000000Z")
    found = verdict([down, *WELL], unread={"old": "no run has read it"})
    assert causes(found) == {"alone": ["old"], "down": ["old"]}
    assert "GRDF fails since 2026-06-02" in found.findings[0].named[0].why


def test_another_client_s_accounts_are_not_everybody() -> None:
    south = [account(f"south-{number}", grdf_connection="grdf_south") for number in range(9)]
    assert causes(verdict([*(old(name) for name in "abc"), *south])) == {"late": ["a", "b", "c"]}
    assert causes(verdict([*(old(name) for name in "abc"), *south], refused=["grdf_south"])) == {
        "late": ["a", "b", "c"]
    }


def told(found: Verdict, before: Mapping[str, Collection[str]] | None = None) -> list[str]:
    return [each.name for named in found.news(before or {}).values() for each in named]


def test_who_falls_silent_is_named_once() -> None:
    first = verdict([old("before", 9), *WELL])
    assert told(first) == ["before"]
    second = verdict([old("today", 6), old("before", 10), *WELL])
    assert told(second, first.named_after({})) == ["today"]
    third = second.named_after(first.named_after({}))
    assert told(verdict([old("today", 7), old("before", 11), *WELL]), third) == []
    read = verdict([old("today", 8), *WELL])
    assert told(verdict([old("today", 14), old("before", 6), *WELL]), read.named_after(third)) == ["before"], (
        "again silent"
    )


def test_who_stays_silent_after_everybody_was_is_named() -> None:
    late = verdict([old(name) for name in "abc"])
    assert (causes(late), told(late)) == ({"late": ["a", "b", "c"]}, [])
    assert told(verdict([old("a"), *WELL]), late.named_after({})) == ["a"]


def test_who_is_silent_is_named_once_whatever_the_cause_becomes() -> None:
    first = verdict([old("a", 12), *WELL])
    assert told(first) == ["a"]
    late = verdict([old("a", 13), *(old(f"well-{number}", 9) for number in range(9))])
    assert told(late, first.named_after({})) == []
    for later in (verdict([old("a", 14), *WELL]), verdict([old("a", 14), *WELL], unread={"a": "its DAG is paused"})):
        assert told(later, late.named_after(first.named_after({}))) == []


def test_one_of_several_meters_that_is_refused_is_told_beside_a_proof() -> None:
    proof = {"p": Proof(state=ASKED)}
    partly = {"state": "USER_ACTION_NEEDED.OAUTH_OUTDATED", "state_partial": True}
    found = verdict([with_held(account("a", **partly), held(PCE, proofs=proof)), *WELL])
    assert (causes(found), found.red) == ({"refused": ["a"], "proof": ["a"]}, ())


def test_whoever_does_not_fit_into_one_mail_is_in_the_next() -> None:
    fleet = [*(account(f"w{number:03}") for number in range(200)), *(old(f"o{number:02}") for number in range(25))]
    found = verdict(fleet)
    assert told(found, found.named_after({})) == [f"o{number}" for number in range(20, 25)]
    assert told(found, found.named_after(found.named_after({}))) == []


def test_what_passes_by_itself_names_nobody() -> None:
    down = account("down", state="VENDOR_DOWN", state_since="2026-06-10T08:00:00.000000Z")
    assert told(verdict([down, *WELL])) == []


def test_a_person_is_called_by_a_share_and_never_by_one() -> None:
    fleet = [account(f"a{number:03}") for number in range(98)]
    assert verdict([*fleet, *(old(name) for name in "abcde")]).red == ()
    assert [each.cause for each in verdict([*fleet, *(old(name) for name in "abcdef")]).red] == [Cause.ALONE]
    paused = {"a": "its DAG is paused", "b": "its DAG is paused"}
    assert verdict([*fleet, old("a"), old("b")], unread=paused).red == ()
    assert verdict([*fleet[:20], old("a"), old("b")], unread=paused).red
    assert verdict([old("a")], unread=paused).red == ()
    known = {"silence_known": {"at": "2026-06-09T08:00:00.000000Z", "by": "x"}}
    assert verdict([*fleet[:9], *(old(name, 40, **known) for name in "abcdef")]).findings == ()


def test_a_person_is_called_by_an_outage_on_the_first_day() -> None:
    state = {"state": "VENDOR_DOWN", "state_since": "2026-06-10T08:00:00.000000Z"}
    found = verdict([account("a", **state), account("b", **state), *WELL])
    assert [each.cause for each in found.red] == [Cause.DOWN]


@pytest.mark.parametrize(
    "more",
    [
        {"connected": {"at": "2026-06-10T09:00:00.000000Z", "by": "admin"}},
        {"connected": {"at": "2026-06-05T09:00:00.000000Z", "by": "admin"}},
        {},
    ],
    ids=["today", "some days ago", "nobody knows when"],
)
def test_what_was_connected_lately_is_not_silent(more: dict[str, Any]) -> None:
    found = verdict([account("new", None, status={}, **more)])
    assert causes(found) == {}


def test_one_that_came_back_is_not_silent_at_once() -> None:
    again = account("again", TODAY - timedelta(days=90), connected={"at": "2026-06-09T09:00:00.000000Z", "by": "admin"})
    assert causes(verdict([again])) == {}


def test_one_that_was_connected_long_ago_and_has_no_day_is_silent() -> None:
    never = account("never", None, status={}, connected={"at": "2026-05-01T09:00:00.000000Z", "by": "admin"})
    assert causes(verdict([never])) == {"alone": ["never"]}


@pytest.mark.parametrize("first", [date(2026, 7, 20), date(2025, 7, 20)])
def test_one_whose_right_begins_later_is_not_silent(first: date) -> None:
    """However far back it will let days be asked for."""
    begins, came = date(2026, 7, 20), "2026-06-01T08:00:00.000000Z"
    waits = with_held(account("a", None), held(PCE, "later", first=first, day=begins, since=came))
    assert causes(verdict([waits])) == {}


def test_what_waits_for_a_household_is_counted_as_that_alone() -> None:
    lost = account(
        "lost", TODAY - timedelta(days=60),
        state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_since="2026-06-09T08:00:00.000000Z",
    )  # fmt: skip
    found = verdict([over(lost, 3), account("b")])
    assert causes(found) == {"connect": ["lost"]}
    assert found.red == (), "one that moves is ordinary life"
    assert verdict([over(lost, 3), over(account("too"), 3), account("b")]).red
    assert told(found) == ["lost"], "and named once"
    assert told(found, found.named_after({})) == []
    found = verdict([*(over(account(f"moved-{number}"), 8) for number in range(9)), account("b")])
    assert (found.findings, found.accounts, found.well) == ((), 1, 1), "after a week they rest"


def test_one_that_leaves_counts_nowhere() -> None:
    found = verdict([account("gone", TODAY - timedelta(days=60), leaving={"run": "r", "by": "x", "since": "s"})])
    assert (found.accounts, found.findings) == (0, ())


@pytest.mark.parametrize(("left", "imported", "red"), [(599, 0, True), (600, 0, False), (1, 599, False)])
def test_few_calls_left_of_one_of_several_clients(left: int, imported: int, red: bool) -> None:
    """What imports took is no sign of anything: they yield to the daily runs."""
    used = Client("grdf_adict", left, 6000, history=imported)
    found = verdict([account("a")], clients=[used, Client("south", 100, 100)])
    assert bool(found.red) is red
    assert not red or causes(found) == {"quota": ["grdf_adict"]}


def right(account: str = "a", **more: Any) -> Right:
    """Return a right in force that does not end."""
    facts = {"id": "right", "state": "active", "was_active": True, "since": "2026-01-01T08:00:00.000000Z"}
    return Right(client="grdf_adict", account=account, way="declared", **{**facts, **more})


def meter(*rights: Right) -> Meter:
    return Meter(pce=PCE, rights=rights)


CHECKED = {"grdf_adict": "2026-06-10T05:30:00.000000Z"}


def rights(*meters: Meter, asked: dict[str, str] = CHECKED, renews: bool = False) -> Verdict:
    of_clients = {QUOTA.name: asked.get(QUOTA.name, "")}
    told = concerns_of_rights(meters, {"a": renews, "b": False}, NOW, of_clients)
    return verdict([account("a"), account("b")], rights=told)


def test_who_renews_once_the_old_right_is_over_is_not_asked_to() -> None:
    assert causes(rights(meter(right(end=SOON)), renews=True)) == {}


def test_a_morning_in_which_grdf_was_not_asked_about_rights_calls_a_person() -> None:
    assert causes(rights(meter(right()))) == {}
    for asked in ({"grdf_adict": "2026-06-08T05:30:00.000000Z"}, {}):
        found = rights(meter(right()), asked=asked)
        assert causes(found) == {"unchecked": ["grdf_adict"]}
        assert found.red
        assert causes(rights(meter(right(since="2026-06-10T05:30:00.000000Z")), asked=asked)) == {}, "one of today"
        assert "unchecked" not in causes(rights(meter(right(account="")), asked=asked)), "it has no account"


SOON, LONG_AGO = date(2026, 7, 11), "2026-06-08T08:00:00.000000Z"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([meter(right(account=""))], {"unclaimed": ["right"]}),
        ([meter(right(account="", calls_until=date(2026, 6, 9)))], {}),
        ([meter(right(state="waiting", was_active=False, since=LONG_AGO))], {"unanswered": ["a"]}),
        ([meter(right(state="asked", was_active=False, since=LONG_AGO, id=""))], {"unanswered": ["a"]}),
        ([meter(right(state="waiting", since=LONG_AGO))], {}),  # GRDF checks it anew, which is told as that
        ([meter(right(state="waiting", since="2026-06-09T08:00:00.000000Z"))], {}),
        ([meter(right(end=SOON))], {"ending": ["a"]}),
        ([meter(right(end=SOON + timedelta(days=1)))], {}),
        ([meter(right(end=SOON), right(begins=SOON))], {}),
        ([meter(right(end=SOON), right(state="waiting", since="2026-06-09T08:00:00.000000Z"))], {}),
        ([meter(right(end=SOON, ended_on=TODAY, state="ended"))], {}),
        ([meter(right(), right("b"))], {"shared": ["a", "b"]}),
        ([meter(right(), right("b", state="ended", ended_on=TODAY))], {}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_told_of_rights_calls_nobody(found: list[Meter], told: dict[str, list[str]]) -> None:
    judged = rights(*found)
    assert causes(judged) == told
    assert judged.red == ()
    assert judged.headline().startswith("The fleet is well: 2 of 2")
    assert not any(PCE in each.line(each.named) or "call a person" in each.line(each.named) for each in judged.findings)


def test_rights_in_force_whose_accounts_are_gone_call_a_person() -> None:
    found = rights(meter(right("gone")))
    assert (causes(found), found.red) == ({"lost": ["gone"]}, ()), "one is ordinary life"
    assert rights(meter(right("gone")), meter(right("lost"))).red
    assert causes(rights(meter(right("gone", state="ended", ended_on=TODAY)))) == {}


def test_a_line_names_some_and_the_headline_nobody() -> None:
    found = verdict([old(f"a{number:02}") for number in range(29)])
    line = found.red[0].line(found.red[0].named)
    assert line.startswith("GRDF is late for everybody: 29 of 29 accounts are silent by now. New: a00 (newest day")
    assert "a19 (" in line
    assert "a20" not in line
    assert "and 9 more. Nothing to do" in line
    assert "a00" not in found.headline()
    assert PCE not in line
    assert names(found.red[0].named, 1) == "a00 (newest day 2026-06-02); and 28 more"
