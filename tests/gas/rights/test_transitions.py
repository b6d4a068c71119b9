"""A meter's rights: what each event does, and all sequences of events of two accounts of two clients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.gas.answers.access_rights import WAITING, AccessRight, Role
from include.gas.days.gas_day import utc_text
from include.gas.days.windows import Window
from include.gas.rights import transitions as t
from include.gas.rights.meter_rights import (
    Meter,
    MeterAccess,
    Right,
    access_to_meter,
    allowed_days,
    find_lasting_right,
    find_renewals,
    find_unclaimed_rights,
    has_withdrawn_consent,
)
from include.gas.rights.transitions import Claimant, OwnedByAnother, RightsAnswer

PCE, START = "09999990000001", datetime(2026, 3, 1, 9, tzinfo=UTC)


def at(day: float) -> str:
    return utc_text(START + timedelta(days=day))


def today(day: float) -> date:
    return (START + timedelta(days=int(day))).date()


def dates(**days: Any) -> dict[str, Any]:
    return {key: today(value) if type(value) is int else value for key, value in days.items()}


def line(
    name: str = "r1", state: str = "active", made: int = 0, *, role: Role = Role.SUPPLY, **more: Any
) -> AccessRight:
    usual = {"first": made, "last": made + 1095, "data_first": made - 1095, "data_end": made + 1096}
    said = dates(**(usual | more))
    return AccessRight(name, PCE, role, state, created_at=at(made), **said)


def over(name: str = "r1", day: int = 40, **more: Any) -> AccessRight:
    return line(name, "revoked", revoked=day, **more)


def who(account: str, day: float = 0, client: str = "north", *, shared: bool = False) -> Claimant:
    return Claimant(account, client, at(day), today(day), shared)


def answer(day: int, *lines: AccessRight, client: str = "north", **more: Any) -> RightsAnswer:
    return RightsAnswer(client, lines, at(day), today(day), **{"whole": True, **more})


def wanted(**terms: Any) -> Right:
    return Right(client="", way="declared", state="asked", since="", **dates(**terms))


@dataclass(frozen=True)
class Story:
    """A meter after some events, on days that are numbers."""

    meter: Meter

    def bring(self, account: str, name: str, day: int = 0, way: Any = "client_connect", **more: Any) -> Story:
        chosen = more.pop("chosen", False)
        return Story(t.assign_right(self.meter, who(account, day, **more), name, way, chosen=chosen))

    def declare(self, account: str, day: float = 0, shared: bool = False, **terms: Any) -> Story:
        return Story(t.add_declaration(self.meter, who(account, day, shared=shared), wanted(**terms)))

    def reply(self, account: str, name: str, day: int = 0) -> Story:
        return Story(t.set_right_id(self.meter, who(account, day), name))

    def refuse(self, account: str) -> Story:
        return Story(t.drop_declaration(self.meter, account))

    def show(self, day: int, *lines: AccessRight, **more: Any) -> Story:
        return Story(t.apply_answer(self.meter, answer(day, *lines, **more)))

    def end(self, name: str, day: int) -> Story:
        return Story(t.end_right(self.meter, name, today(day)))

    def leave(self, account: str, day: int = 1000, **more: bool) -> Story:
        return Story(t.remove_rights(self.meter, account, today(day), **more))

    def lose(self, day: int, *gone: str) -> Story:
        return Story(t.note_accounts(self.meter, gone, today(day)))

    def access(self, account: str, day: int = 0, **more: bool) -> MeterAccess:
        return access_to_meter(self.meter, account, today(day), **more)

    def days(self, account: str, **more: bool) -> list[tuple[int, int]]:
        windows = self.access(account, **more).days
        return [((each.first - today(0)).days, (each.end - today(0)).days) for each in windows]

    def one(self, account: str = "a") -> Right:
        (right,) = self.meter.rights_of(account)
        return right

    def asks(self, day: int, *lines: AccessRight) -> bool:
        return t.must_ask_grdf(self.meter, answer(day, *lines, whole=False))

    def lacks(self, day: int) -> list[str]:
        return [each.id for each in find_unclaimed_rights([self.meter], today(day))]


EMPTY = Story(Meter(pce=PCE))
BROUGHT = EMPTY.bring("a", "r1")
HELD = BROUGHT.show(0, line())
R2, OVER = line("r2", made=5), over()
BEHIND = HELD.bring("b", "r2", 5).show(6, line(), R2)
NEXT = HELD.show(41, OVER).bring("b", "r2", 45).show(45, line("r2", made=45))
BACK = NEXT.leave("a").bring("c", "r3", 50).show(60, line("r2", "revoked"), line("r3"))
RETURNED = NEXT.bring("a", "r3", 50).show(50, line("r3", made=50), whole=False)
LATE = EMPTY.declare("b").reply("b", "r1").bring("a", "r2", 1).show(2, line("r2", made=1))
TWO = EMPTY.declare("a").declare("b", 1, shared=True).reply("a", "r1").reply("b", "r2", 1)
FIRST_IN = TWO.show(10, line(), line("r2", made=10))
FIRST, MINE = (-1095, 1096), (-1095, 40)
DAYS: dict[str, tuple[Story, list[tuple[int, int]], list[tuple[int, int]]]] = {
    "nothing under a right that GRDF has not shown": (BROUGHT, [], []),
    "in force": (HELD, [FIRST], []),
    "ended by us": (HELD.end("r1", 7), [(-1095, 7)], []),
    "which ends no other right of the account": (
        HELD.bring("a", "r2", 5).show(6, line(), R2).end("r1", 7), [(-1095, 1101)], [],
    ),
    "who moves in gets the days after the former right": (NEXT, [MINE], [(40, 1141)]),
    "no more once the former household leaves": (NEXT.leave("a"), [], [(40, 1141)]),
    "who leaves takes no day of who was there before": (NEXT.leave("b"), [MINE], []),
    "who returns behind another account keeps its days of before": (RETURNED, [MINE], [(40, 1141)]),
    "who comes while the former right goes on gets none": (BEHIND, [FIRST], []),
    "and none of the days of one that has left": (
        BEHIND.end("r1", 40).leave("a").leave("a").show(41, R2), [], [(40, 1101)],
    ),
    "a declaration that is accepted late takes no day of who had the meter meanwhile": (
        LATE.show(12, line("r1", WAITING), over("r2", 12, made=1)).show(13, line(), over("r2", 12, made=1)),
        [(-1094, 12)], [(12, 1096)],
    ),
    "what is accepted second does not come into force": (FIRST_IN, [FIRST], []),
    "before the first is over": (
        FIRST_IN.show(31, over(day=30), line("r2", made=10)), [(-1095, 30)], [(30, 1106)],
    ),
    "renewing joins the days": (
        HELD.bring("a", "r2", 900).show(900, line(), line("r2", made=900)), [(-1095, 1996)], [],
    ),
    "a right that a lost ledger learns again keeps its days": (
        EMPTY.bring("a", "r1", 41, "konnector").show(41, OVER), [MINE], [],
    ),
    "but not one that is unknown": (EMPTY.bring("a", "r1", 41).show(41, OVER), [], []),
}  # fmt: skip


def test_an_injection_takes_no_gas_days_from_a_supply() -> None:
    own = line("r2", role=Role.OWN_INJECTION, informative=False)
    injects = EMPTY.bring("a", "r2", 1).show(1, own)
    assert (injects.access("a").is_open, injects.access("a").is_open_daily, injects.lacks(1)) == (True, False, [])
    both = HELD.bring("a", "r2", 1).show(1, line(), own)
    assert both.access("a").is_open_daily
    assert not both.show(41, OVER, own).access("a", 41).is_open_daily
    assert EMPTY.show(1, own).lacks(1) == []
    assert EMPTY.show(1, line(role=Role.INJECTION)).lacks(1) == ["r1"]
    assert find_lasting_right(injects.meter, "a", wanted(), today(1)) is None


@pytest.mark.parametrize("name", DAYS)
def test_which_days_an_account_may_hold(name: str) -> None:
    story, of_a, of_b = DAYS[name]
    assert (story.days("a"), story.days("b")) == (of_a, of_b)


def test_a_meter_is_one_accounts_unless_it_may_be_shared() -> None:
    with pytest.raises(OwnedByAnother):
        HELD.bring("b", "r1", 5)
    with pytest.raises(OwnedByAnother):
        HELD.bring("b", "r2", 5, "adopted", chosen=True)
    with pytest.raises(OwnedByAnother):
        HELD.declare("b", 5)
    both = HELD.bring("b", "r2", 5, shared=True).show(5, line(), R2, shared=True)
    assert [both.days(each, shared=True) for each in "ab"] == [[FIRST], [(-1090, 1101)]]
    assert HELD.bring("b", "r2", 5, "adopted", chosen=True, shared=True).one("b").way == "adopted"
    assert len(HELD.bring("a", "r2", 5, "adopted", chosen=True).meter.rights_of("a")) == 2, "its own is no obstacle"
    assert BACK.days("c") == BACK.leave("b").days("c") == [(60, 1096)]


def test_which_days_are_asked_for() -> None:
    later = BROUGHT.show(0, line(first=20))
    past = BROUGHT.show(0, line(data_first=-300, data_end=-100))
    assert (past.access("a", 1).word, past.days("a")) == ("over", [(-300, -100)])
    assert RETURNED.access("a", 50).word == "behind"
    for story, account, day, is_open in (
        (BROUGHT, "a", 0, False), (HELD, "a", 9, True), (NEXT, "a", 50, False), (NEXT, "b", 50, True),
        (RETURNED, "a", 50, True), (later, "a", 19, False), (later, "a", 20, True), (past, "a", 1, True),
        (past.end("r1", 1), "a", 2, False),
    ):  # fmt: skip
        assert story.access(account, day).is_open is is_open


def test_a_household_that_has_asked_for_the_end_rests_until_it_has_another_right() -> None:
    gone, ended = HELD.end("r1", 5), line(state="revoked")
    shown = gone.show(6, over(day=5))
    for story, day, rests in (
        (gone, 6, True), (shown, 7, True), (shown.bring("a", "r2", 8), 8, False), (HELD.show(6, ended), 6, False),
        (shown.show(9, line()).show(10, ended), 10, False),  # GRDF has ended what it showed as active again
    ):  # fmt: skip
        other = access_to_meter(Meter(pce="GI000001"), "a", today(day))
        assert has_withdrawn_consent([story.access("a", day), other]) is rests
    assert not has_withdrawn_consent([])


def test_the_bounds_of_an_account_s_days() -> None:
    access, whole = NEXT.access("a"), Window(today(-2000), today(9))
    part = Window(today(-1095), today(9))
    assert (access.first_day, access.end_day, access.allowed_parts(whole)) == (today(-1095), today(40), (part,))
    for days, bounds in (
        ([(date.min, date.max)], (None, None)), ([], (None, None)),
        ([(today(0), today(1)), (today(5), today(7)), (today(8), today(9))], (today(0), today(9))),
    ):  # fmt: skip
        held = MeterAccess(pce=PCE, days=tuple(Window(*each) for each in days))
        assert (held.first_day, held.end_day) == bounds
    renews = HELD.access("a", 9)
    assert (renews.renews_on, NEXT.access("a", 50).renews_on) == (today(1096), None)
    assert msgspec.to_builtins(msgspec.structs.replace(EMPTY.meter, rev="1-a")) == {"_id": PCE, "_rev": "1-a"}


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
@pytest.mark.parametrize("order", [1, -1])
def test_who_moves_in_while_the_former_right_goes_on_gets_the_meter_when_that_ends(*, known: bool, order: int) -> None:
    lines = (line(), R2)
    story = HELD.show(5, *lines, whole=False) if known else HELD
    behind = story.bring("b", "r2", 5).show(6, *lines[::order])
    assert (behind.days("b"), behind.access("b", 6).word) == ([], "behind")
    renewed = behind.bring("a", "r3", 8).show(8, *lines, line("r3", made=8))
    assert (renewed.access("b", 8).word, renewed.access("a", 8).is_open) == ("behind", True)
    gone = (OVER, R2)[::order]
    moved = behind.show(40, *gone, whole=False).show(41, *gone)
    assert (moved.days("a"), moved.days("b")) == ([MINE], [(40, 1101)])


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
def test_what_was_asked_first_and_is_written_second_takes_no_day_of_the_other(*, known: bool) -> None:
    lines = line(data_end=-10), line("r2", data_first=-500)
    first = EMPTY.bring("a", "r1", 5).show(6, *lines[: 1 + known])
    second = first.bring("b", "r2", 3).show(4, *lines).show(6, *lines)
    assert second.days("a") == first.days("a") == [(-1095, -10)]
    assert second.days("b") == [(-10, 1096)]


@pytest.mark.parametrize("state", ["obsolete", "refused", WAITING, "to be checked again by GRDF"])
def test_the_list_ends_nothing_and_the_answer_about_the_meter_does(state: str) -> None:
    assert HELD.show(9, line(state=state), whole=False) == HELD
    assert HELD.asks(9, line(state=state))
    assert not HELD.show(9, line(state=state)).access("a", 9).is_open


def test_what_a_line_or_its_absence_changes() -> None:
    refusing = EMPTY.declare("a").reply("a", "r1").show(1, line(state="refused"))
    assert refusing.show(5).one().state == "refused", "though it is listed no more"
    checked = HELD.show(9, line(state="to be checked again by GRDF"))
    assert (checked.access("a", 9).word, checked.access("a", 9).is_open) == ("checked", False)
    with pytest.raises(OwnedByAnother):  # it keeps the meter
        checked.declare("b", 9)
    assert checked.meter.other_account("b", today(9)) == "a"
    free, gone, lately = EMPTY.show(1, line(), whole=False), HELD.show(9), EMPTY.bring("a", "r1", 8)
    assert (free.asks(9), HELD.asks(9), gone.asks(10), HELD.asks(9, line())) == (True, True, False, False)
    assert free.show(9) == EMPTY, "one without an account goes with its end"
    assert (gone.one().state, gone.one().ended_on) == ("ended", today(9))
    assert (gone.show(10, line()).one().state, gone.show(10, line()).one().ended_on) == ("active", None)
    assert EMPTY.declare("a").asks(1)
    konnectors, listed = (story.bring("a", "r1", 41, "konnector") for story in (EMPTY, EMPTY.show(1, line())))
    for story in (konnectors.show(41, OVER), konnectors.show(42, line()), listed):
        assert story.one().since == at(0), "as old as at GRDF"
    assert HELD.show(1100, line(state="obsolete")).one().ended_on == today(1096), "not when that was seen"
    assert HELD.show(9, line(last=2000), whole=False).one().calls_until == today(2000), "the list moves dates"
    waits = EMPTY.declare("a").reply("a", "r1")
    assert waits.show(1, line(), whole=False) == waits, "and settles nothing"
    assert HELD.show(9, whole=False) == HELD
    assert HELD.show(9, complete=False) == HELD, "lines could not be read"
    assert HELD.show(9, line(state="actif")) == HELD, "an unknown word"
    assert HELD.show(9, client="south") == HELD, "another client's answer"
    assert HELD.show(9, line()) == HELD, "each morning's list writes nothing"
    assert lately.show(10) == lately, "it may not have reached the list yet"
    assert lately.show(11).one().state == "ended"
    assert HELD.show(0).one().state == "active", "an answer from before"
    again, newer = HELD.bring("a", "r2", 9), HELD.show(9, over(day=8))
    assert [each.state for each in again.show(8, line()).meter.rights_of("a")] == ["active", "active"]
    assert newer.show(8, line()) == newer


def test_a_declaration_with_a_lost_answer_is_settled_by_the_next_look() -> None:
    story = EMPTY.declare("a", calls_until=99)
    assert story.declare("a") == story
    later = story.declare("a", 1).one()
    assert (later.state, later.since) == ("asked", at(1))
    shown = story.show(1, line(state=WAITING, made_on_site=True))
    assert [each.account for each in shown.meter.rights] == ["a", ""]
    late = shown.reply("a", "r1").one()
    assert (late.id, late.way, late.state) == ("r1", "declared", "waiting")
    settled = shown.bring("a", "r1", 1, "declared", chosen=True).refuse("a").one()
    assert (settled.id, settled.state) == ("r1", "waiting")
    assert story.refuse("a") == EMPTY
    assert story.show(0, line(state=WAITING), whole=False).reply("a", "r1").one().id == "r1", "the list was faster"
    gone = EMPTY.reply("a", "r1").one("")
    assert (gone.id, gone.state) == ("r1", "waiting"), "the account is gone meanwhile"
    assert HELD.reply("a", "r1") == HELD
    assert BROUGHT.declare("a").reply("a", "r1") == BROUGHT


def test_a_meter_is_taken_until_grdf_takes_another_right() -> None:
    story = BROUGHT.show(0, line(data_end=9, last=19))
    assert story.meter.other_account("b", today(9)) == "", "its days are over"
    for day in (9, 19):
        with pytest.raises(OwnedByAnother):
            story.declare("b", day)
        assert story.access("b", day, declares=True).word == "behind"
        assert story.access("b", day, declares=True, shared=True).word == "none"
    assert story.declare("b", 20).one("b").state == "asked"
    assert story.access("b", 20, declares=True).word == "none"


def test_one_process_declares_at_a_time() -> None:
    story, longest, second = EMPTY.declare("a"), t.LONGEST_CALL / timedelta(days=1), 1 / 86_400
    with pytest.raises(t.DeclarationUnderWay):
        story.declare("a", longest - second)
    assert story.declare("a", longest).one().since == at(longest)
    assert story.refuse("a").declare("a", second).one().since == at(second)


def test_a_right_without_an_account_is_reported_until_it_is_brought() -> None:
    story = EMPTY.show(1, line(), line("r0", "obsolete"), whole=False)
    claimed = story.bring("a", "r1", 2, "adopted")
    assert (story.lacks(1), claimed.lacks(2), claimed.lose(2, "a").lacks(2)) == (["r1"], [], [])
    found = [EMPTY.show(1, line(made_on_site=said)).one("") for said in (True, False)]
    assert [(each.way, each.since) for each in found] == [("client_connect", at(0)), ("declared", at(0))]
    assert not HELD.end("r1", 7).leave("a").meter.rights
    assert EMPTY.show(9, line(state="revoked")) == EMPTY


def test_a_right_that_ends_sooner_is_no_answer_to_a_declaration() -> None:
    longer = wanted(calls_until=2000, end=2001)
    narrow = BROUGHT.show(0, line(informative=False, published=False))
    for story, account, terms, day, lasts in (
        (HELD, "a", wanted(calls_until=1095, end=1096), 9, True), (HELD, "a", longer, 1000, True),
        (HELD, "a", longer, 1080, False), (HELD, "a", wanted(), 1035, True), (HELD, "a", wanted(), 1036, False),
        (HELD, "a", wanted(), 1080, False), (HELD, "b", wanted(), 9, False), (narrow, "a", wanted(), 9, False),
        (narrow, "a", wanted(daily=False), 9, False), (narrow, "a", wanted(daily=False, published=False), 9, True),
        (HELD, "a", wanted(end=1096), 1080, True), (EMPTY.declare("a").reply("a", "r1"), "a", longer, 9, True),
    ):  # fmt: skip
        assert find_lasting_right(story.meter, account, terms, today(day)) == (story.one() if lasts else None)


@pytest.mark.parametrize(
    ("shown", "day", "said"),
    [
        (line(), 9, ("active", 1096)), (line(data_end=8), 7, ("active", 8)), (line(data_end=8), 8, ("over", 8)),
        (line(), 1096, ("over", 1096)), (line(first=20), 9, ("later", 20)), (line(state=WAITING), 9, ("waiting", None)),
        (line(informative=False), 9, ("narrow", None)), (line(state="refused"), 9, ("refused", None)),
        (over(day=5), 9, ("over", 5)),
    ],
)  # fmt: skip
def test_how_an_account_stands(shown: AccessRight, day: int, said: tuple[str, int | None]) -> None:
    story = BROUGHT.show(day, shown)
    access = story.access("a", day)
    assert (access.word, access.day and (access.day - today(0)).days) == said
    assert story.access("b", day).word == "none"


def test_how_an_account_stands_by_the_best_of_its_rights() -> None:
    refused = HELD.show(41, line(state="refused")).bring("b", "r2", 45).show(45, line("r2", made=45))
    later = BROUGHT.bring("a", "r2").show(0, line(first=20), line("r2", first=10))
    for access, word, day in (
        (BROUGHT.access("a"), "unseen", None), (HELD.end("r1", 5).bring("a", "r2", 6).access("a", 6), "unseen", None),
        (NEXT.access("a", 50, declares=True), "behind", None), (refused.access("a", 50, declares=True), "behind", None),
        (later.access("a"), "later", today(10)),
    ):  # fmt: skip
        assert (access.word, access.day) == (word, day)


def test_what_else_an_account_sees_of_a_meter() -> None:
    assert BROUGHT.show(0, line(data_end=8, last=19)).access("a", 7).renews_on == today(20), "once calls are over"
    assert (NEXT.access("a").own, NEXT.access("b").own) == (("r1",), ("r2",))
    assert [each.access("a").waits for each in (EMPTY.declare("a").reply("a", "r1"), HELD)] == [True, False]
    proving = BROUGHT.show(0, line(proof="asked"))
    assert [[*each.access("a", 6).proofs] for each in (proving, proving.end("r1", 5))] == [["r1"], []]


def test_an_account_that_is_gone_keeps_its_name_and_its_days_and_holds_no_meter() -> None:
    lost = HELD.lose(10, "a").lose(12, "a")
    assert (lost.one().account, lost.one().lost_on, lost.days("a")) == ("a", today(10), [(-1095, 10)])
    assert lost.lose(20) == HELD, "it is back"
    assert lost.bring("a", "r1", 15, "adopted", chosen=True) == HELD, "or made anew"
    assert lost.bring("b", "r1", 15).one("b").lost_on is None, "its household brings the same right under another id"
    assert not EMPTY.bring("a", "r1").lose(1, "a").show(2, line()).one().was_active, "before it has begun"


def test_an_account_that_is_back_takes_no_day_from_who_has_come_meanwhile() -> None:
    came = HELD.lose(10, "a").bring("b", "r2", 15).show(15, line(), line("r2", made=15))
    back = came.lose(20)
    assert (back.days("a"), back.days("b")) == ([(-1095, 10)], [(10, 1111)])
    assert (back.access("a", 20).word, back.access("b", 20).word) == ("behind", "active")
    with pytest.raises(OwnedByAnother):
        came.bring("a", "r1", 20, "adopted", chosen=True)
    left = back.end("r2", 30).leave("b", 30).lose(31)
    assert (left.days("a"), left.access("a", 31).word) == ([(-1095, 10)], "over")
    assert left.bring("a", "r3", 40).show(40, line(), line("r3", made=40)).days("a") == [(-1095, 10), (30, 1136)]


def test_a_right_that_another_account_has_is_behind_it() -> None:
    assert access_to_meter(HELD.meter, "b", today(1), named="r1").word == "behind"
    for meter in (HELD.lose(1, "a").meter, HELD.end("r1", 1).meter):
        assert access_to_meter(meter, "b", today(2), named="r1").word == "none"


def test_an_unclaimed_right_after_one_that_is_over_may_be_a_renewal() -> None:
    new = line("r2", made=50)
    over_and_new = HELD.show(41, OVER).show(50, OVER, new)
    assert over_and_new.access("a", 51).successor == "r2"
    found = find_renewals([over_and_new.meter], ["a"], "north", today(51))
    assert {pce: (account, right.id) for pce, (account, right) in found.items()} == {PCE: ("a", "r2")}
    withdrawn = HELD.end("r1", 40).show(50, OVER, new)
    for meter, accounts, client in (
        (withdrawn.meter, ["a"], "north"), (over_and_new.meter, [], "north"), (over_and_new.meter, ["a"], "south"),
        (HELD.show(50, line(), new).meter, ["a"], "north"),
    ):  # fmt: skip
        assert find_renewals([meter], accounts, client, today(51)) == {}


def test_a_meter_is_free_from_the_end_of_a_deleted_account_s_days_on() -> None:
    """Whoever comes later begins there, by each way, and however long after; who had it before keeps its days."""
    left = HELD.end("r1", 40).leave("a", 45)
    assert (left.meter.free_from, left.meter.rights) == (today(40), ())
    new = line("r2", made=60)
    for came in (
        left.bring("b", "r2", 60),
        left.bring("b", "r2", 60, way="konnector"),
        left.show(60, new).bring("b", "r2", 61),
    ):
        assert came.show(62, new).days("b") == [(40, 1156)]
        assert came.show(62, new).access("b").free_from == today(40)
    assert left.bring("b", "r2", 60).show(62, line("r2", made=60, data_first=50)).access("b").free_from is None
    declared = left.declare("b", 60).reply("b", "r2", 60).show(62, new)
    assert declared.days("b") == declared.days("b", shared=True) == [(40, 1156)]
    assert NEXT.end("r2", 60).leave("b", 60).days("a") == NEXT.days("a"), "who had it before"
    never_in_force = EMPTY.declare("a").reply("a", "r1").leave("a", 5)
    assert never_in_force.meter.free_from is None
    assert HELD.leave("a", 5).meter.free_from == today(5), "one that GRDF did not end"


ACCOUNTS, CLIENTS = ("a", "b"), ("north", "south")


class World:
    """A meter at GRDF and its document. GRDF has rights in some state; each event happens on the next day."""

    def __init__(self, *, shared: bool) -> None:
        self.shared, self.day, self.meter = shared, 0, EMPTY.meter
        self.grdf: dict[str, dict[str, AccessRight]] = {name: {} for name in CLIENTS}
        self.clients = dict(zip(ACCOUNTS, CLIENTS, strict=True))
        self.declared: dict[str, str] = {}
        self.heard: list[RightsAnswer] = []
        self.gone: list[Window] = []
        """Days of accounts that were deleted."""

    def do(self, event: str, account: str, number: int) -> None:
        self.day += 1
        client = self.clients[account]
        rights, new = self.grdf[client], f"{client}{self.day}"
        some = sorted(rights)[number % len(rights)] if rights else ""
        if event == "consent":  # on GRDF's site; the next event may bring it
            past = {"data_end": self.day - number} if number % 2 else {}  # some allow days of the past alone
            rights[new] = line(new, made=self.day, made_on_site=True, **past)
        elif event == "end" and rights:
            self.close(rights, some)
        elif event == "accept":
            rights |= {name: line(name, made=self.day) for name, each in rights.items() if each.state == WAITING}
        elif event == "declare":
            self.apply(lambda meter: t.add_declaration(meter, self.who(account), wanted()))
            if any(each.state == "asked" for each in self.meter.rights_of(account)):
                rights[new], self.declared[account] = line(new, WAITING, made=self.day), new
                if number % 2:
                    self.apply(lambda meter: t.set_right_id(meter, self.who(account), new))
        elif event == "bring" and rights:
            asking = who(account, self.day - number, client, shared=self.shared)  # others may write before it does
            self.apply(lambda meter: t.assign_right(meter, asking, some, "client_connect"))
        elif event == "leave":
            for right in self.meter.rights_of(account):
                if right.id in rights:
                    self.close(rights, right.id)
                    self.apply(lambda meter, name=right.id: t.end_right(meter, name, today(self.day)))
            others = [each for each in ACCOUNTS if each != account]
            before = [allowed_days(self.meter, each, shared=self.shared) for each in others]
            self.gone += [w for w in (each.clip(end=today(self.day)) for each in self.allowed(account)) if w]
            self.apply(lambda meter: t.remove_rights(meter, account, today(self.day), shared=self.shared))
            after = [allowed_days(self.meter, each, shared=self.shared) for each in others]
            assert after == before, "days change hands"
        elif event == "list":
            cut = [each for position, each in enumerate(rights.values()) if (number >> position) & 1]
            self.hear(client, cut, whole=False)
        elif event == "look":
            self.heard.append(self.hear(client, [*rights.values()], whole=True))
            for asker in [each for each in self.declared if self.clients[each] == client]:
                self.take_up(asker, self.declared[asker])
        elif event == "late" and self.heard:
            self.apply(lambda meter: t.apply_answer(meter, self.heard[number % len(self.heard)]))

    def allowed(self, account: str) -> tuple[Window, ...]:
        return allowed_days(self.meter, account, shared=self.shared)

    def close(self, rights: dict[str, AccessRight], name: str) -> None:
        rights[name] = replace(rights[name], state="obsolete", revoked=today(self.day))

    def take_up(self, account: str, name: str) -> None:
        """Bring a right that was declared for the account, stands, and that no account has."""
        if name in {right.id for right in self.meter.rights_of("") if right.state in ("waiting", "active")}:
            self.apply(lambda meter: t.assign_right(meter, self.who(account), name, "declared", chosen=True))
            self.apply(lambda meter: t.drop_declaration(meter, account))

    def who(self, account: str) -> Claimant:
        return who(account, self.day, self.clients[account], shared=self.shared)

    def hear(self, client: str, lines: list[AccessRight], *, whole: bool) -> RightsAnswer:
        said = answer(self.day, *lines, whole=whole, client=client, shared=self.shared)
        self.apply(lambda meter: t.apply_answer(meter, said))
        return said

    def apply(self, change) -> None:  # type: ignore[no-untyped-def]
        try:
            self.meter = change(self.meter)
        except OwnedByAnother:
            return
        assert change(self.meter) == self.meter, "an event applied again changes something, or is refused"


KINDS = ["consent", "end", "accept", "declare", "bring", "leave", "list", "look", "late"]
EVENTS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(ACCOUNTS), st.integers(0, 7)), min_size=1, max_size=25
)
ASKED_BEFORE = [
    ("consent", "a", 1), ("bring", "a", 0), ("look", "a", 0), ("consent", "b", 0), ("list", "b", 1), ("bring", "b", 6)
]  # fmt: skip
"""Days of the past alone, and another account that asks before they are noted and brings its right after."""


@example(ASKED_BEFORE, False)
@given(EVENTS, st.booleans())
@settings(max_examples=600)
def test_all_sequences(events: list[tuple[str, str, int]], shared: bool) -> None:
    world = World(shared=shared)
    for event in events:
        before = world.meter
        world.do(*event)
        if shared:
            continue
        a, b = (allowed_days(world.meter, each) for each in ACCOUNTS)
        assert not any(one.clip(other.first, other.end) for one in a for other in b), "a day in two accounts"
        foreign = [each for each in world.gone for own in (*a, *b) if each.clip(own.first, own.end)]
        assert not foreign, "a day of an account that was deleted"
        for account in ACCOUNTS:
            if world.meter.rights_of(account) == before.rights_of(account):
                had, has = allowed_days(before, account), allowed_days(world.meter, account)
                assert all(any(each.clip(w.first, w.end) == each for w in has) for each in had), "a day is taken"
    for account in ACCOUNTS:
        world.do("look", account, 0)
    known = {right.id for right in world.meter.rights if right.account}
    known |= {right.id for right in find_unclaimed_rights([world.meter], today(world.day))}
    in_force = {name for rights in world.grdf.values() for name, each in rights.items() if each.state == "active"}
    assert in_force <= known, "after a look at each client, each right in force has an account, or is reported"
