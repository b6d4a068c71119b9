"""The verdict on a fleet: which accounts count against it, and what a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.sections.status import Reading, Status
from include.gas.documents.year_counts import StoredYear
from include.gas.health.causes import Cause
from include.gas.health.rights_look import look_at_rights
from include.gas.health.sights import MISSING, PAUSED, Sight, unread
from include.gas.health.verdict import Client, Verdict
from include.gas.rights.meter_rights import Meter, Right
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
    years = {str(last.year): StoredYear(100, first, last)} if last and first else {}
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


def test_an_account_whose_days_grow_old_though_all_is_green_is_silent() -> None:
    found = verdict([account("old", TODAY - timedelta(days=8)), account("b")])
    assert causes(found) == {"silent": ["old"], "late": ["old"]}
    assert {each.cause for each in found.red} == {Cause.SILENT, Cause.LATE}
    assert "nothing new for 8 days" in found.red[0].line(5)


def test_one_that_says_why_it_has_nothing_new_is_late_and_refused_but_not_silent() -> None:
    down = account("down", TODAY - timedelta(days=9), state="VENDOR_DOWN", state_since="2026-06-02T08:00:00.000000Z")
    assert causes(verdict([down])) == {"late": ["down"], "refused": ["down"]}


@pytest.mark.parametrize(
    "more",
    [
        {"connected": {"at": "2026-06-10T09:00:00.000000Z", "by": "admin"}},
        {"connected": {"at": "2026-06-05T09:00:00.000000Z", "by": "admin"}},
        {},
    ],
    ids=["today", "some days ago", "nobody knows when"],
)
def test_what_was_connected_lately_is_not_late(more: dict[str, Any]) -> None:
    found = verdict([account("new", None, status={}, **more)])
    assert causes(found) == {}


def test_one_that_came_back_is_not_late_at_once() -> None:
    again = account("again", TODAY - timedelta(days=90), connected={"at": "2026-06-09T09:00:00.000000Z", "by": "admin"})
    assert causes(verdict([again])) == {}


def test_one_that_was_connected_long_ago_and_has_no_day_is_silent() -> None:
    never = account("never", None, status={}, connected={"at": "2026-05-01T09:00:00.000000Z", "by": "admin"})
    assert causes(verdict([never])) == {"silent": ["never"], "late": ["never"]}


def test_what_waits_for_a_household_is_counted_as_that_alone() -> None:
    lost = account(
        "lost", TODAY - timedelta(days=60),
        state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_since="2026-06-09T08:00:00.000000Z",
    )  # fmt: skip
    found = verdict([over(lost, 3), account("b")])
    assert causes(found) == {"connect": ["lost"]}
    assert (found.expected, found.red) == (1, ()), "one that moves is ordinary life"
    assert verdict([over(lost, 3), over(account("too"), 3), account("b")]).red
    found = verdict([*(over(account(f"moved-{number}"), 8) for number in range(9)), account("b")])
    assert (found.findings, found.accounts, found.well) == ((), 1, 1), "after a week they rest"


def test_a_paused_dag_and_skipped_runs_are_silence_long_before_the_days_grow_old() -> None:
    found = verdict([account("a"), account("b"), account("c")], sights={"a": PAUSED, "b": unread(), "c": Sight()})
    assert causes(found) == {"silent": ["a", "b"]}
    assert "its DAG is paused" in found.red[0].line(5)
    assert "skipped" in found.red[0].line(5)


def test_one_of_today_has_had_no_run_yet_but_must_have_a_dag() -> None:
    new = account("new", None, status={}, connected={"at": "2026-06-10T09:00:00.000000Z", "by": "admin"})
    assert causes(verdict([new], sights={"new": unread()})) == {}
    assert causes(verdict([new], sights={"new": MISSING})) == {"silent": ["new"]}


def test_runs_that_succeed_without_ever_asking_are_silence() -> None:
    never = account("never", None, status={})
    assert causes(verdict([never], sights={"never": Sight(had_runs=True)})) == {"silent": ["never"]}


def test_an_account_without_any_moment_is_silent_where_no_run_has_read_it() -> None:
    """As cozy-stack makes it: only what Airflow shows of its runs tells whether it is read."""
    cozy = {"_id": "cozy", "account_type": "grdfgrandlyon", "oauth_callback_results": {"id_token": "a.b.c"}}
    assert causes(verdict([cozy])) == {}
    for sight in (unread(), Sight(had_runs=True)):
        assert causes(verdict([cozy], sights={"cozy": sight})) == {"silent": ["cozy"]}
    for at, red in (("2026-06-09T08:00:00Z", False), ("2028-06-10T08:00:00Z", True)):
        dated = cozy | {"connected": {"at": at, "by": "x"}}
        assert bool(causes(verdict([dated], sights={"cozy": unread()}))) is red, "one of yesterday is new"


def test_one_whose_data_begin_later_is_neither_silent_nor_late() -> None:
    begins = date(2026, 7, 20)
    waits = with_held(account("a", None), held(PCE, "later", first=begins, day=begins))
    for sight in (Sight(), Sight(had_runs=True), unread()):
        assert causes(verdict([waits], sights={"a": sight})) == {}


def test_a_document_that_cannot_be_understood_is_silence() -> None:
    assert causes(verdict([{"_id": "odd", "account_type": "grdfgrandlyon", "state": 7}])) == {"silent": ["odd"]}


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


ASKED = {"grdf_adict": "2026-06-10T05:30:00.000000Z"}


def rights(*meters: Meter, asked: dict[str, str] = ASKED) -> Verdict:
    return verdict([account("a"), account("b")], rights=look_at_rights(meters, NOW, asked))


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
        ([meter(right(account=""))], {"unclaimed": ["grdf_adict"]}),
        ([meter(right(account="", calls_until=date(2026, 6, 9)))], {}),
        ([meter(right(state="waiting", since=LONG_AGO))], {"unanswered": ["a"]}),
        ([meter(right(state="asked", since=LONG_AGO, id=""))], {"unanswered": ["a"]}),
        ([meter(right(state="waiting", since="2026-06-09T08:00:00.000000Z"))], {}),
        ([meter(right(end=SOON))], {"ending": ["a"]}),
        ([meter(right(end=SOON + timedelta(days=1)))], {}),
        ([meter(right(end=SOON), right(begins=SOON))], {}),
        ([meter(right(end=SOON), right(state="waiting", since="2026-06-09T08:00:00.000000Z"))], {}),
        ([meter(right(end=SOON, ended_on=TODAY, state="ended"))], {}),
        ([meter(right(), right("b"))], {"shared": ["a, b"]}),
        ([meter(right(), right("b", state="ended", ended_on=TODAY))], {}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_told_of_rights_calls_nobody(found: list[Meter], told: dict[str, list[str]]) -> None:
    judged = rights(*found)
    assert causes(judged) == told
    assert judged.red == ()
    assert judged.headline().startswith("The fleet is well: 2 of 2")
    assert not any(PCE in each.line(9) or "call a person" in each.line(9) for each in judged.findings)


def test_a_share_within_its_limit_is_told_and_calls_nobody() -> None:
    fleet = [account(f"a{number:03}") for number in range(99)]
    found = verdict([*fleet, account("old", TODAY - timedelta(days=8))])
    assert causes(found) == {"silent": ["old"], "late": ["old"]}
    assert found.red == ()
    found = verdict([*fleet[:19], account("old", TODAY - timedelta(days=8))])
    assert {each.cause for each in found.red} == {Cause.SILENT}, "5.0 % are late, which is the limit"


def test_a_line_names_as_many_as_asked_for_and_the_headline_names_nobody() -> None:
    found = verdict([account(f"a{number}", TODAY - timedelta(days=8)) for number in range(9)])
    line = found.red[0].line(3)
    assert "a0 (" in line
    assert "a3" not in line
    assert "and 6 more" in line
    assert "9 of 9 accounts" in line
    assert "more than 2 %" in line
    assert "a0" not in found.headline()
    assert PCE not in line
