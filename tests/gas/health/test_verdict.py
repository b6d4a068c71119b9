"""The verdict on a fleet: which accounts and rights count against it, what a person reads, and what damage does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.freshness import Freshness, Late, Lateness
from include.gas.account.status import Status
from include.gas.answers.proof_state import ASKED
from include.gas.days.windows import Window
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.health.causes import Cause
from include.gas.health.late_meters import find_late_meters
from include.gas.health.rights_concerns import Concern, NamedReason, find_rights_concerns
from include.gas.health.verdict import NO_ANSWER, Client, Verdict, list_names, reach_verdict
from include.gas.rights.meter_rights import Meter, MeterAccess, Proof, Right, Standing
from tests.readings import with_billing, with_reading

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY, PCE, OTHER = NOW.date(), "02201000000000", "02201000000003"
QUOTA = Client("grdf_adict", 5000, 6000)
OUTDATED, DOWN = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "VENDOR_DOWN"
PAUSED = "its DAG is paused"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def text(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def held(pce: str = PCE, word: Standing = "active", end: date = date.max, **more: Any) -> MeterAccess:
    return MeterAccess(pce=pce, word=word, right="right", days=(Window(date.min, end),), **more)


def with_held(document: dict[str, Any], *meters: MeterAccess) -> dict[str, Any]:
    named = [{"pce": each.pce, "id_accreditation": each.right} for each in meters]
    return Status.with_access({**document, "oauth_callback_results": {"consents": named}}, meters)


def year(age: int, length: int = 0) -> dict[str, Any]:
    return {str(ago(age).year): {"first": str(ago(age + length)), "last": str(ago(age))}}


def account(name: str, age: int | None = 2, *meters: MeterAccess, **more: Any) -> dict[str, Any]:
    document = with_held({"_id": name, "account_type": "grdfgrandlyon", "state": None}, *(meters or (held(),)))
    return with_reading(document, PCE, None if age is None else year(age, 99), since=None) | more


def old(name: str, age: int = 8, **more: Any) -> dict[str, Any]:
    return account(name, age, **more)


def over(document: dict[str, Any], since: int) -> dict[str, Any]:
    return with_held(document, held(PCE, "over", end=ago(since), day=ago(since))) | {"state": OUTDATED}


def verdict(
    documents: Iterable[dict[str, Any]],
    clients: Iterable[Client] = (QUOTA,),
    unread: Mapping[str, str] | None = None,
    refused: Iterable[str] = (),
    rights: Iterable[Concern] = (),
    unanswered: Iterable[str] = (),
) -> Verdict:
    """``unread``: why accounts are not read by us; ``refused``, ``unanswered``: the clients that get no token."""
    why = unread or {}
    return reach_verdict(
        [summarize_account(each) for each in documents], list(clients), NOW, rights,
        lambda asked: {each.id: why[each.id] for each in asked if each.id in why},
        lambda client: "is refused" if client in refused else NO_ANSWER if client in unanswered else "",
    )  # fmt: skip


def causes(found: Verdict) -> dict[str, list[str]]:
    return {each.cause.value: [one.name for one in each.named] for each in found.findings}


def mail(found: Verdict, before: Mapping[str, Collection[str]] | None = None) -> list[str]:
    return [each.name for named in found.lines_to_mail(before or {}).values() for each in named]


WELL = [account(f"well-{number}") for number in range(9)]


def test_a_fleet_that_is_read_is_well_and_no_account_is_no_fault() -> None:
    found, nothing = verdict([account("a"), account("b")]), verdict([])
    assert (found.red, nothing.red, "2 of 2" in found.headline()) == ((), (), True)
    assert "No account" in nothing.headline()
    leaving = verdict([old("gone", 60, leaving={"run": "r", "by": "x", "since": "s"})])
    assert (leaving.accounts, leaving.findings) == (0, ())
    for left, imported, red in ((599, 0, True), (600, 0, False), (1, 599, False)):
        clients = [Client("grdf_adict", left, 6000, history=imported), Client("south", 100, 100)]
        found = verdict([account("a")], clients)  # what imports took is no sign: they yield to the daily runs
        assert (bool(found.red), causes(found)) == (red, {"quota": ["grdf_adict"]} if red else {})


SOUTH = [account(f"south-{number}", grdf_connection="grdf_south") for number in range(9)]
ABC = [old(name) for name in "abc"]
AB_OLD = [old(name) for name in ("a", "b", "old")]
KNOWN = {"silence_known": {"at": "2026-06-09T08:00:00.000000Z", "by": "x"}}
TWO_UNREAD = {"a": "?", "b": "?", "old": PAUSED}


@pytest.mark.parametrize(
    ("fleet", "more", "found"),
    [
        ([*ABC, account("well")], {}, {"late": ["a", "b", "c"]}),
        ([old("read"), old("old"), *WELL], {"unread": {"old": PAUSED}, "refused": ["grdf_adict"]},
         {"token": ["old"], "alone": ["read"]}),  # an account that is read has a token
        ([old("old"), *WELL], {}, {"alone": ["old"]}),
        ([old("old"), *WELL], {"unread": {"old": PAUSED}}, {"unread": ["old"]}),
        (AB_OLD, {"unread": TWO_UNREAD, "refused": ["grdf_adict"]}, {"token": ["a", "b", "old"]}),
        (ABC[:2], {}, {"alone": ["a", "b"]}),  # two are not everybody
        ([old("a", 6), *(old(f"b{n}", 5) for n in range(9))], {}, {"late": ["a"]}),  # the others are silent tomorrow
        ([old("old", state=DOWN, state_since="2026-06-02T08:00:00.000000Z"), *WELL], {"unread": {"old": "no run"}},
         {"alone": ["old"], "down": ["old"]}),
        ([*ABC, *SOUTH], {"refused": ["grdf_south"]}, {"late": ["a", "b", "c"]}),  # another client's are not everybody
        ([*WELL, *(old(name, 40, **KNOWN) for name in "abcdef")], {}, {}),
        ([account("never", None, status={}, connected={"at": text(40), "by": "x"})], {}, {"alone": ["never"]}),
    ],
)  # fmt: skip
def test_the_cause_of_silence_is_looked_for_in_order(fleet: Any, more: Any, found: dict[str, list[str]]) -> None:
    """No token, us, GRDF late for everybody, this meter alone. What has no right any more is not silent."""
    assert causes(verdict(fleet, **more)) == found


def noted(document: dict[str, Any], why: Lateness) -> dict[str, Any]:
    return Status.with_freshness(document, PCE, Freshness(late=Late.because(why)))


@pytest.mark.parametrize(
    ("fleet", "more", "found"),
    [
        ([*ABC, account("well")], {}, dict.fromkeys("abc", "grdf")),
        ([old("old"), *WELL], {}, {"old": "meter"}),
        ([noted(old("old"), Lateness.METER), *WELL], {}, {}),
        ([old("old"), *WELL], {"unread": {"old": PAUSED}}, {"old": "us"}),
        (AB_OLD, {"unread": TWO_UNREAD, "refused": ["grdf_adict"]}, dict.fromkeys(("a", "b", "old"), "us")),
        (AB_OLD, {"unread": TWO_UNREAD, "unanswered": ["grdf_adict"]}, dict.fromkeys(("a", "b", "old"), "grdf")),
        ([*WELL, old("known", 40, **KNOWN)], {}, {"known": "meter"}),
        ([*WELL, over(old("moved", 40), 40)], {}, {"moved": "right"}),
        ([*WELL, over(account("moves", 4), 2)], {}, {}),
        ([*WELL, with_held(old("moved", 40), held(PCE, "over", end=ago(40), day=ago(40)), held(OTHER))], {}, {}),
        ([*WELL, noted(account("back"), Lateness.GRDF)], {}, {"back": None}),
        ([*WELL, noted(old("gone", leaving={"run": "r", "by": "x", "since": "s"}), Lateness.US)], {}, {"gone": None}),
        ([*WELL, with_billing(old("monthly", 20), PCE, "MM"), with_billing(old("billed", 90), PCE, "6M")], {}, {}),
    ],
)  # fmt: skip
def test_each_late_meter_is_noted_with_its_cause_and_no_household_is_accused(fleet: Any, more: Any, found: Any) -> None:
    late = find_late_meters(map(summarize_account, fleet), verdict(fleet, **more), TODAY)
    assert late == {name: {PCE: why and Lateness(why)} for name, why in found.items()}


def test_what_is_new_in_answers_is_told_once_however_many_accounts_have_it() -> None:
    changed = [with_reading(account(name), PCE, year(2, 99), drift=["a key is new"]) for name in "ab"]
    found = verdict([*changed, with_billing(account("c"), PCE, drift=["a word is new"]), *WELL])
    assert (causes(found), found.red) == ({"drift": ["a key is new", "a word is new"]}, ())
    assert [each.why for each in found.findings[0].named] == ["2 account(s)", "1 account(s)"]
    assert (found.well, mail(found, {"drift": ["a key is new"]})) == (12, ["a word is new"])
    told = verdict(WELL).names_after_mail(found.names_after_mail({}))
    assert mail(found, told) == [], "not again, if it was gone for a day"


def test_what_falls_silent_is_named_once() -> None:
    def name(before: Any, *fleet: dict[str, Any], **more: Any) -> tuple[list[str], dict[str, list[str]]]:
        found = verdict([*fleet, *WELL], **more)
        return mail(found, before), found.names_after_mail(before)

    names, first = name({}, old("before", 9))
    assert names == ["before"]
    names, second = name(first, old("today", 6), old("before", 10))
    assert names == ["today"]
    names, third = name(second, old("today", 7), old("before", 11))
    assert names == []
    _, read = name(third, old("today", 8))
    assert name(read, old("today", 14), old("before", 6))[0] == ["before"], "again silent"
    late = verdict(ABC)
    assert (causes(late), mail(late)) == ({"late": ["a", "b", "c"]}, [])
    assert name(late.names_after_mail({}), old("a"))[0] == ["a"]
    everybody = verdict([old("a", 13), *(old(f"well-{number}", 9) for number in range(9))])
    assert (mail(everybody, {"silent": ["a"]}), everybody.names_after_mail({"silent": ["a"]})["silent"]) == ([], ["a"])
    assert name({"silent": ["a"]}, old("a", 14), unread={"a": PAUSED})[0] == [], "whatever the cause becomes"
    many = [account(f"w{number:03}") for number in range(200)] + [old(f"o{number:02}") for number in range(25)]
    names, named = name({}, *many)
    assert (len(named["silent"]), name(named, *many)[0]) == (25, []), "the rest was in the first mail, by group"
    silent = next(each for each in verdict(many).findings if each.cause is Cause.ALONE)
    assert list_names(silent.named).endswith(f"; 5 more ({silent.named[0].why})")


def test_a_person_is_called_by_a_share_and_never_by_one() -> None:
    fleet = [account(f"a{number:03}") for number in range(98)]
    assert verdict([*fleet, *(old(name) for name in "abcde")]).red == ()
    assert [each.cause for each in verdict([*fleet, *(old(name) for name in "abcdef")]).red] == [Cause.ALONE]
    paused = {"a": PAUSED, "b": PAUSED}
    assert verdict([*fleet, old("a"), old("b")], unread=paused).red == ()
    assert verdict([*fleet[:20], old("a"), old("b")], unread=paused).red
    assert verdict([old("a")], unread=paused).red == ()
    state = {"state": DOWN, "state_since": text(0)}
    found = verdict([account("a", **state), account("b", **state), *WELL])
    assert [each.cause for each in found.red] == [Cause.DOWN], "on the first day"
    assert mail(verdict([account("down", **state), *WELL])) == [], "what passes by itself names no account"
    partly = account("a", 2, held(proofs={"p": Proof(state=ASKED)}), state=OUTDATED, state_partial=True)
    found = verdict([partly, *WELL])
    assert (causes(found), found.red) == ({"refused": ["a"], "proof": ["a"]}, ()), "one of several meters"


def test_a_line_names_some_and_the_headline_none() -> None:
    found = verdict([old(f"a{number:02}") for number in range(29)])
    line = found.red[0].report_line(found.red[0].named)
    assert line.startswith("GRDF is late for everybody: 29 of 29 accounts")
    assert ("a19 (" in line, "a20" in line, "9 more" in line, PCE in line) == (True, False, True, False)
    assert "a00" not in found.headline()
    assert list_names(found.red[0].named, 1) == "a00 (newest day 2026-06-02); 28 more (newest day 2026-06-02)"
    token = verdict([old("old"), *WELL], unread={"old": PAUSED}, refused=["grdf_adict"])
    assert "grdf_adict is refused" in token.findings[0].report_line(())
    down = verdict([old("old", state=DOWN, state_since="2026-06-02T08:00:00.000000Z"), *WELL])
    assert "since 2026-06-02" in down.findings[0].named[0].why


def two(other: MeterAccess | None = None, stored: int | None = None, **more: Any) -> dict[str, Any]:
    document = account("two", 2, held(), other or held(OTHER), **({"connected": {"at": text(300), "by": "x"}} | more))
    return with_reading(document, OTHER, None if stored is None else year(stored), since=None)


@pytest.mark.parametrize(
    ("document", "silent"),
    [
        (with_billing(two(), OTHER, "JJ", until="2026-05-01"), True),  # it is not billed any more
        (two(), True),  # it has never given a day
        (with_billing(two(stored=55), OTHER, "MM"), False), (with_billing(two(stored=56), OTHER, "MM"), True),
        (with_reading(two(held(OTHER, since=text(0))), PCE, year(30), since=None), True),  # the first one lags
        (two(stored=60, silence_known={"at": text(20), "by": "x"}), False),
        (with_reading(two(stored=60, silence_known={"at": text(20), "by": "x"}), PCE, year(6), since=None), True),
        (two(held(OTHER, "over", end=ago(90), day=ago(90)), 91), False),  # history
    ],
)  # fmt: skip
def test_each_meter_counts_for_itself(document: dict[str, Any], silent: bool) -> None:
    assert causes(verdict([document])) == ({"alone": ["two"]} if silent else {})
    assert summarize_account(two(stored=60)).is_silent_for_long(TODAY)


def right(account: str = "a", state: Any = "active", since: int = 200, **more: Any) -> Right:
    facts = {"id": "right", "was_active": state in ("active", "ended"), "since": text(since)} | more
    return Right(client="grdf_adict", account=account, way="declared", state=state, **facts)


def meter(*rights: Right) -> Meter:
    return Meter(pce=PCE, rights=rights)


def rights(*meters: Meter, asked: str = text(0), renews: bool = False) -> Verdict:
    found = find_rights_concerns(meters, {"a": renews, "b": False}, NOW, {QUOTA.name: asked})
    return verdict([account("a"), account("b")], rights=found)


SOON, GONE = date(2026, 7, 11), {"state": "ended", "ended_on": TODAY}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([right("")], {"unclaimed": ["right"]}), ([right("", calls_until=date(2026, 6, 9))], {}),
        ([right(state="waiting", since=2)], {"unanswered": ["a"]}),
        ([right(state="asked", since=2, id="")], {"unanswered": ["a"]}),
        ([right(state="waiting", since=2, was_active=True)], {}),  # GRDF checks it anew
        ([right(state="waiting", since=1)], {}), ([right(end=SOON)], {"ending": ["a"]}),
        ([right(end=SOON + timedelta(days=1))], {}), ([right(end=SOON), right(begins=SOON)], {}),
        ([right(end=SOON), right(state="waiting", since=1)], {}), ([right(end=SOON, **GONE)], {}),
        ([right(), right("b")], {"shared": ["a", "b"]}), ([right(), right("b", **GONE)], {}),
    ],
    ids=str,
)  # fmt: skip
def test_news_of_rights_calls_no_person(found: list[Right], expected: dict[str, list[str]]) -> None:
    judged = rights(meter(*found))
    assert (causes(judged), judged.red, "2 of 2" in judged.headline()) == (expected, (), True)
    lines = [each.report_line(each.named) for each in judged.findings]
    assert not any(PCE in each or "call a person" in each for each in lines)


def test_what_of_rights_calls_a_person() -> None:
    assert causes(rights(meter(right(end=SOON)), renews=True)) == {}
    assert causes(judged := rights(meter(right("gone")))) == {"lost": ["gone"]}
    assert causes(rights(meter(right("gone", **GONE)))) == {"lost": ["gone"]}, "its days are still there"
    assert judged.red, "a single one, too"
    assert verdict([], rights=[(Cause.LOST, NamedReason("gone"))]).red, "or if no account is left"
    for asked in (text(2), ""):
        found = rights(meter(right()), asked=asked)
        assert (causes(found), bool(found.red)) == ({"unchecked": ["grdf_adict"]}, True)
        for told_of in right(since=0), right(""):  # one of today, or that no account has
            assert "unchecked" not in causes(rights(meter(told_of), asked=asked))


def test_accounts_that_cannot_be_understood_are_not_read_and_the_others_are_judged() -> None:
    damaged, late = account("damaged", oauth="x"), with_reading(account("late"), PCE, year(93))
    beyond = with_billing(account("beyond"), PCE, until="0001-01-01")  # no calendar can reckon with the day before
    assert {summarize_account(each).situation(TODAY) for each in (damaged, beyond)} == {Situation.ODD}
    found = verdict([damaged, beyond, late, account("well")])
    assert (causes(found), found.accounts) == ({"unread": ["beyond", "damaged"], "alone": ["late"]}, 4)
    assert [each.cause for each in found.red] == [Cause.UNREAD]
    leaving = damaged | {"leaving": {"run": "r", "by": "x", "since": text(1)}}
    assert summarize_account(leaving).situation(TODAY) == Situation.LEAVING
