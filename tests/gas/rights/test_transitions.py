"""A meter's rights: what each event does, and all sequences of events of two accounts of two clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.gas.answers.access_rights import WAITING, AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.rights import transitions as t
from include.gas.rights.meter_rights import Meter, Right, days_of, has_withdrawn, hold, lasting, unclaimed
from include.gas.rights.transitions import Answer, Asking, Taken

PCE = "09999990000001"
EMPTY, START = Meter(pce=PCE), datetime(2026, 3, 1, 9, tzinfo=UTC)
Step = Callable[[Meter], Meter]


def at(day: float) -> str:
    return utc_text(START + timedelta(days=day))


def today(day: int) -> date:
    return (START + timedelta(days=day)).date()


def line(name: str = "r1", state: str = "active", made: int = 0, **more: Any) -> AccessRight:
    """Return GRDF's line about a right; days are numbers."""
    usual = {"first": made, "last": made + 1095, "data_first": made - 1095, "data_end": made + 1096}
    fields = {key: today(value) if type(value) is int else value for key, value in (usual | more).items()}
    return AccessRight(name, PCE, "autorise_contrat_fourniture", state, created_at=at(made), **fields)


def over(name: str = "r1", day: int = 40, state: str = "revoked", **more: Any) -> AccessRight:
    return line(name, state, revoked=day, **more)


def who(account: str, day: float = 0, client: str = "north", *, shared: bool = False) -> Asking:
    return Asking(account, client, at(day), today(int(day)), shared)


def answer(*lines: AccessRight, day: int, client: str = "north", **more: Any) -> Answer:
    return Answer(client, lines, at(day), today(day), **{"whole": True, **more})


def wanted(**terms: Any) -> Right:
    """Return a right as it is to be declared."""
    days = {key: today(value) if type(value) is int else value for key, value in terms.items()}
    return Right(client="", way="declared", state="asked", since="", **days)


def bring(
    account: str, name: str, day: int = 0, way: Any = "client_connect", chosen: bool = False, **more: Any
) -> Step:
    return lambda meter: t.brought(meter, who(account, day, **more), name, way, chosen=chosen)


def declare(account: str, day: float = 0, shared: bool = False, **terms: Any) -> Step:
    return lambda meter: t.asked(meter, who(account, day, shared=shared), wanted(**terms))


def reply(account: str, name: str, day: int = 0) -> Step:
    return lambda meter: t.answered(meter, who(account, day), name)


def show(day: int, *lines: AccessRight, **more: Any) -> Step:
    return lambda meter: t.listed(meter, answer(*lines, day=day, **more))


def end(name: str, day: int) -> Step:
    return lambda meter: t.ended(meter, name, today(day))


def leave(account: str) -> Step:
    return lambda meter: t.left(meter, account)


def play(*steps: Step, meter: Meter = EMPTY) -> Meter:
    for step in steps:
        meter = step(meter)
    return meter


def days(meter: Meter, account: str, **more: bool) -> list[tuple[int, int]]:
    return [((each.first - today(0)).days, (each.end - today(0)).days) for each in days_of(meter, account, **more)]


def word(meter: Meter, account: str, day: int, **more: bool) -> str:
    return hold(meter, account, today(day), **more).word


def is_open(meter: Meter, account: str, day: int) -> bool:
    return hold(meter, account, today(day)).is_open


def one(meter: Meter, account: str = "a") -> Right:
    (right,) = meter.of(account)
    return right


HELD = play(bring("a", "r1"), show(0, line()))
R2, OVER = line("r2", made=5), over(state="obsolete")
BEHIND = play(bring("b", "r2", 5), show(6, line(), R2), meter=HELD)
MOVED = play(show(41, OVER), meter=HELD)
NEXT = play(bring("b", "r2", 45), show(45, line("r2", made=45)), meter=MOVED)
BACK = play(leave("a"), bring("c", "r3", 50), show(60, line("r2", "revoked"), line("r3")), meter=NEXT)
BOTH_ASKED = play(declare("a"), declare("b", 1, shared=True), reply("a", "r1"), reply("b", "r2", 1))
FIRST, MINE = (-1095, 1096), (-1095, 40)
DAYS: dict[str, tuple[Meter, list[tuple[int, int]], list[tuple[int, int]]]] = {
    "nothing under a right that GRDF has not shown": (play(bring("a", "r1")), [], []),
    "in force": (HELD, [FIRST], []),
    "who moves in gets the days after the former right": (NEXT, [MINE], [(40, 1141)]),
    "who comes while the former right goes on gets none": (BEHIND, [FIRST], []),
    "and none while that is renewed": (
        play(bring("a", "r3", 8), show(8, line(), R2, line("r3", made=8)), meter=BEHIND), [(-1095, 1104)], [],
    ),
    "and none of the days of one that has left": (
        play(end("r1", 40), leave("a"), leave("a"), show(41, R2), meter=BEHIND), [], [(40, 1101)],
    ),
    "no more once the former household leaves": (play(leave("a"), meter=NEXT), [], [(40, 1141)]),
    "who leaves takes no day of who was there before": (play(leave("b"), meter=NEXT), [MINE], []),
    "a declaration that is accepted late takes no day of who had the meter meanwhile": (
        play(declare("b"), reply("b", "r1"), bring("a", "r2", 1), show(2, line("r2", made=1)),
             show(12, line("r1", WAITING), over("r2", 12, made=1)), show(13, line(), over("r2", 12, made=1))),
        [(-1094, 12)], [(12, 1096)],
    ),
    "what is accepted second does not come into force": (
        play(show(10, line("r1"), line("r2", made=10)), meter=BOTH_ASKED), [FIRST], []
    ),
    "before the first is over": (
        play(show(10, line(), line("r2", made=10)), show(31, over("r1", 30), line("r2", made=10)), meter=BOTH_ASKED),
        [(-1095, 30)], [(30, 1106)],
    ),
    "who returns behind another account keeps its days of before": (
        play(bring("a", "r3", 50), show(50, line("r3", made=50), whole=False), meter=NEXT), [MINE], [(40, 1141)],
    ),
    "renewing joins the days": (
        play(bring("a", "r2", 900), show(900, line(), line("r2", made=900)), meter=HELD), [(-1095, 1996)], [],
    ),
    "a right that a lost ledger learns again keeps its days": (
        play(bring("a", "r1", 41, "konnector"), show(41, over())), [MINE], []
    ),
    "but not one that nobody heard of": (play(bring("a", "r1", 41), show(41, over())), [], []),
    "ended by us": (play(end("r1", 7), meter=HELD), [(-1095, 7)], []),
}  # fmt: skip


@pytest.mark.parametrize("name", DAYS)
def test_which_days_an_account_may_hold(name: str) -> None:
    meter, of_a, of_b = DAYS[name]
    assert (days(meter, "a"), days(meter, "b")) == (of_a, of_b)


def test_a_meter_is_one_accounts_unless_it_may_be_shared() -> None:
    for event in (bring("b", "r1", 5), bring("b", "r2", 5, "adopted", chosen=True), declare("b", 5)):
        with pytest.raises(Taken):
            event(HELD)
    both = play(bring("b", "r2", 5, shared=True), show(5, line(), R2, shared=True), meter=HELD)
    assert [days(both, each, shared=True) for each in "ab"] == [[FIRST], [(-1090, 1101)]]
    chosen = play(bring("b", "r2", 5, "adopted", chosen=True, shared=True), meter=HELD)
    assert one(chosen, "b").way == "adopted"
    assert days(BACK, "c") == days(play(leave("b"), meter=BACK), "c") == [(60, 1096)]


def test_who_is_asked_for() -> None:
    meter = play(bring("a", "r1"))
    assert (is_open(meter, "a", 0), is_open(HELD, "a", 9)) == (False, True)
    assert (is_open(NEXT, "a", 50), is_open(NEXT, "b", 50)) == (False, True)
    back = play(bring("a", "r3", 50), show(50, line("r3", made=50), whole=False), meter=NEXT)
    assert (word(back, "a", 50), is_open(back, "a", 50)) == ("behind", True), "for its days of before"
    later = play(bring("a", "r1"), show(0, line(first=20)))
    assert (is_open(later, "a", 19), is_open(later, "a", 20)) == (False, True)
    past = play(bring("a", "r1"), show(0, line(data_first=-300, data_end=-100)))
    assert (word(past, "a", 1), is_open(past, "a", 1), days(past, "a")) == ("over", True, [(-300, -100)])
    assert not is_open(play(end("r1", 1), meter=past), "a", 2)


def test_a_household_that_has_asked_for_the_end_rests_until_it_has_another_right() -> None:
    def rests(meter: Meter, day: int) -> bool:
        return has_withdrawn([hold(meter, "a", today(day)), hold(Meter(pce="GI000001"), "a", today(day))])

    gone = play(end("r1", 5), meter=HELD)
    shown = play(show(6, over(day=5)), meter=gone)
    assert rests(gone, 6)
    assert rests(shown, 7)
    assert not rests(play(bring("a", "r2", 8), meter=shown), 8)
    again = play(show(9, line()), show(10, line(state="revoked")), meter=shown)
    assert not rests(again, 10), "GRDF has ended what it showed as active again"
    assert not rests(play(show(6, line(state="revoked")), meter=HELD), 6)
    assert not has_withdrawn([])


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
@pytest.mark.parametrize("order", [1, -1])
def test_who_moves_in_while_the_former_right_goes_on_gets_the_meter_when_that_ends(*, known: bool, order: int) -> None:
    lines = (line(), R2)
    meter = play(show(5, *lines, whole=False), meter=HELD) if known else HELD
    behind = play(bring("b", "r2", 5), show(6, *lines[::order]), meter=meter)
    assert (days(behind, "b"), word(behind, "b", 6)) == ([], "behind")
    renewed = play(bring("a", "r3", 8), show(8, *lines, line("r3", made=8)), meter=behind)
    assert (word(renewed, "b", 8), is_open(renewed, "a", 8)) == ("behind", True)
    gone = (over(), R2)[::order]
    moved = play(show(40, *gone, whole=False), show(41, *gone), meter=behind)
    assert (days(moved, "a"), days(moved, "b")) == ([MINE], [(40, 1101)])


def test_two_rights_of_an_account_come_into_force_together() -> None:
    """Its older one waited while another account's came: GRDF's list names them in an order of its own."""
    shown = show(5, line("r1", made=1), line("r3"))
    meter = play(declare("a"), reply("a", "r3"), bring("b", "r2", 1, client="south"), bring("a", "r1", 2), shown)
    assert [each.was_active for each in meter.of("a")] == [True, True]
    assert shown(meter) == meter


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
def test_what_was_asked_first_and_is_written_second_takes_no_day_of_the_other(*, known: bool) -> None:
    lines = line(data_end=-10), line("r2", data_first=-500)
    first = play(bring("a", "r1", 5), show(6, *lines[: 1 + known]))
    second = play(bring("b", "r2", 3), show(4, *lines), show(6, *lines), meter=first)
    assert days(second, "a") == days(first, "a") == [(-1095, -10)]
    assert days(second, "b") == [(-10, 1096)]


@pytest.mark.parametrize("state", ["obsolete", "refused", WAITING, "to be checked again by GRDF"])
def test_the_list_ends_nothing_and_the_answer_about_the_meter_does(state: str) -> None:
    shown = answer(line(state=state), day=9, whole=False)
    assert t.listed(HELD, shown) == HELD
    assert t.questionable(HELD, shown)
    assert not is_open(play(show(9, line(state=state)), meter=HELD), "a", 9)


def test_what_a_line_or_its_absence_changes() -> None:
    refusing = play(declare("a"), reply("a", "r1"), show(1, line(state="refused")))
    assert one(play(show(5), meter=refusing)).state == "refused", "though it is listed no more"
    checked = play(show(9, line(state="to be checked again by GRDF")), meter=HELD)
    assert (word(checked, "a", 9), is_open(checked, "a", 9)) == ("checked", False)
    with pytest.raises(Taken):  # it keeps the meter
        t.asked(checked, who("b", 9), wanted())
    free = play(show(1, line(), whole=False))
    assert t.questionable(free, answer(day=9, whole=False))
    assert play(show(9), meter=free) == EMPTY, "one that nobody has goes with its end"
    assert play(show(9, whole=False), meter=HELD) == HELD
    assert t.questionable(HELD, answer(day=9, whole=False))
    gone = play(show(9), meter=HELD)
    assert (one(gone).state, one(gone).ended_on) == ("ended", today(9))
    assert not t.questionable(gone, answer(day=10, whole=False))
    assert one(play(show(10, line()), meter=gone)).state == "active"
    assert play(show(9, complete=False), meter=HELD) == HELD, "lines could not be read"
    assert play(show(9, line(state="actif")), meter=HELD) == HELD, "an unknown word"
    assert play(show(9, client="south"), meter=HELD) == HELD, "another client's answer"
    lately = play(bring("a", "r1", 8))
    assert play(show(10), meter=lately) == lately, "it may not have reached the list yet"
    assert one(play(show(11), meter=lately)).state == "ended"


def test_an_answer_from_before_changes_nothing() -> None:
    again = play(bring("a", "r2", 9), meter=HELD)
    assert one(play(show(0), meter=HELD)).state == "active"
    assert [each.state for each in play(show(8, line()), meter=again).of("a")] == ["active", "active"]
    assert play(show(9, line()), meter=HELD) == HELD, "each morning's list writes nothing"
    newer = play(show(9, over(day=8)), meter=HELD)
    assert play(show(8, line()), meter=newer) == newer


def test_a_declaration_whose_answer_was_lost_is_settled_by_the_next_look() -> None:
    meter = play(declare("a", calls_until=99))
    assert t.asked(meter, who("a"), wanted()) == meter
    later = one(play(declare("a", 1), meter=meter))
    assert (later.state, later.since) == ("asked", at(1))
    shown = play(show(1, line(state=WAITING)), meter=meter)
    assert [each.account for each in shown.rights] == ["a", ""]
    settled = one(t.refused(play(bring("a", "r1", 1, "declared", chosen=True), meter=shown), "a"))
    assert (settled.id, settled.state) == ("r1", "waiting")
    assert t.refused(meter, "a") == EMPTY
    early = play(show(0, line(state=WAITING), whole=False), reply("a", "r1"), meter=meter)
    assert one(early).id == "r1", "the list was faster"
    assert play(reply("a", "r1"), meter=EMPTY).of("")[0].id == "r1", "the account is gone meanwhile"
    assert play(reply("a", "r1"), meter=HELD) == HELD
    twice = play(bring("a", "r1"), declare("a"), reply("a", "r1"))
    assert [each.id for each in twice.rights] == ["r1"]


def test_a_meter_is_taken_until_grdf_takes_another_right() -> None:
    meter = play(bring("a", "r1"), show(0, line(data_end=9, last=19)))
    assert meter.other_holder("b", today(9)) == "", "its days are over"
    for day in (9, 19):
        with pytest.raises(Taken):
            t.asked(meter, who("b", day), wanted())
        assert word(meter, "b", day, declares=True) == "behind"
        assert word(meter, "b", day, declares=True, shared=True) == "none"
    assert one(play(declare("b", 20), meter=meter), "b").state == "asked"
    assert word(meter, "b", 20, declares=True) == "none"


def test_one_process_declares_at_a_time() -> None:
    meter, short, long = play(declare("a")), t.LONGEST_CALL / timedelta(days=1), 1 / 86_400
    with pytest.raises(t.UnderWay):
        t.asked(meter, who("a", short - long), wanted())
    assert one(play(declare("a", short), meter=meter)).since == at(short)
    assert one(t.asked(t.refused(meter, "a"), who("a", long), wanted())).since == at(long)


def test_a_right_that_nobody_has_brought_is_told_until_somebody_does() -> None:
    meter = play(show(1, line(), line("r0", "obsolete"), whole=False))
    assert [each.id for each in unclaimed([meter], today(1))] == ["r1"]
    claimed = play(bring("a", "r1", 2, "adopted"), meter=meter)
    assert unclaimed([claimed], today(2)) == []
    assert [each.id for each in unclaimed([t.orphaned(claimed, "a")], today(2))] == ["r1"], "the account was lost"
    assert t.orphaned(play(declare("a")), "a") == EMPTY
    assert play(end("r1", 7), leave("a"), meter=HELD) == play(show(9, line(state="revoked"))) == EMPTY


def test_a_right_that_ends_sooner_is_no_answer_to_a_declaration() -> None:
    longer = wanted(calls_until=2000, end=2001)
    assert lasting(HELD, "a", wanted(calls_until=1095, end=1096), today(9)) == one(HELD)
    assert lasting(HELD, "a", longer, today(1000)) == lasting(HELD, "a", wanted(), today(1035)) == one(HELD)
    for account, terms, day in (("a", longer, 1080), ("a", wanted(), 1080), ("a", wanted(), 1036), ("b", wanted(), 9)):
        assert lasting(HELD, account, terms, today(day)) is None
    narrow = play(bring("a", "r1"), show(0, line(informative=False, published=False)))
    assert lasting(narrow, "a", wanted(), today(9)) is lasting(narrow, "a", wanted(daily=False), today(9)) is None
    assert lasting(narrow, "a", wanted(daily=False, published=False), today(9)) == one(narrow)


@pytest.mark.parametrize(
    ("shown", "day", "said"),
    [
        (line(), 9, ("active", 1096)),
        (line(data_end=8), 7, ("active", 8)),
        (line(data_end=8), 8, ("over", 8)),
        (line(), 1096, ("over", 1096)),
        (line(first=20), 9, ("later", 20)),
        (line(state=WAITING), 9, ("waiting", None)),
        (line(informative=False), 9, ("narrow", None)),
        (line(state="refused"), 9, ("refused", None)),
        (over(day=5), 9, ("over", 5)),
    ],
    ids=["active", "last days", "data over", "calls over", "later", "waiting", "no daily data", "refused", "revoked"],
)
def test_how_an_account_stands(shown: AccessRight, day: int, said: tuple[str, int | None]) -> None:
    meter = play(bring("a", "r1"), show(day, shown))
    held = hold(meter, "a", today(day))
    assert (held.word, held.day and (held.day - today(0)).days) == said
    assert word(meter, "b", day) == "none"


# -- all sequences -----------------------------------------------------------------------------------------------------

ACCOUNTS, CLIENTS = ("a", "b"), ("north", "south")


class World:
    """A meter at GRDF and its document. GRDF has rights in some state; each event happens on the next day."""

    def __init__(self, *, shared: bool) -> None:
        self.shared, self.day, self.meter = shared, 0, EMPTY
        self.grdf: dict[str, dict[str, AccessRight]] = {name: {} for name in CLIENTS}
        self.clients = dict(zip(ACCOUNTS, CLIENTS, strict=True))
        self.declared: dict[str, str] = {}
        self.heard: list[Answer] = []

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
            self.apply(lambda meter: t.asked(meter, self.who(account), wanted()))
            if any(each.state == "asked" for each in self.meter.of(account)):
                rights[new], self.declared[account] = line(new, WAITING, made=self.day), new
                if number % 2:
                    self.apply(lambda meter: t.answered(meter, self.who(account), new))
        elif event == "bring" and rights:
            asking = who(account, self.day - number, client, shared=self.shared)  # others may write before it does
            self.apply(lambda meter: t.brought(meter, asking, some, "client_connect"))
        elif event == "leave":
            for right in self.meter.of(account):
                if right.id in rights:
                    self.close(rights, right.id)
                    self.apply(lambda meter, name=right.id: t.ended(meter, name, today(self.day)))
            others = [each for each in ACCOUNTS if each != account]
            before = [days(self.meter, each, shared=self.shared) for each in others]
            self.apply(lambda meter: t.left(meter, account))
            assert [days(self.meter, each, shared=self.shared) for each in others] == before, "days change hands"
        elif event == "list":
            cut = [each for position, each in enumerate(rights.values()) if (number >> position) & 1]
            self.hear(client, cut, whole=False)
        elif event == "look":
            self.heard.append(self.hear(client, [*rights.values()], whole=True))
            for asker in [each for each in self.declared if self.clients[each] == client]:
                self.take_up(asker, self.declared[asker])
        elif event == "late" and self.heard:
            self.apply(lambda meter: t.listed(meter, self.heard[number % len(self.heard)]))

    def close(self, rights: dict[str, AccessRight], name: str) -> None:
        rights[name] = replace(rights[name], state="obsolete", revoked=today(self.day))

    def take_up(self, account: str, name: str) -> None:
        """Bring a right that was declared for the account, stands, and that no account has."""
        if name in {right.id for right in self.meter.of("") if right.state in ("waiting", "active")}:
            self.apply(lambda meter: t.brought(meter, self.who(account), name, "declared", chosen=True))
            self.apply(lambda meter: t.refused(meter, account))

    def who(self, account: str) -> Asking:
        return who(account, self.day, self.clients[account], shared=self.shared)

    def hear(self, client: str, lines: list[AccessRight], *, whole: bool) -> Answer:
        said = answer(*lines, day=self.day, whole=whole, client=client, shared=self.shared)
        self.apply(lambda meter: t.listed(meter, said))
        return said

    def apply(self, change) -> None:  # type: ignore[no-untyped-def]
        try:
            self.meter = change(self.meter)
        except Taken:
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
        a, b = (days_of(world.meter, each) for each in ACCOUNTS)
        assert not any(one.clip(other.first, other.end) for one in a for other in b), "a day in two accounts"
        for account in ACCOUNTS:
            if world.meter.of(account) == before.of(account):
                had, has = days_of(before, account), days_of(world.meter, account)
                assert all(any(each.clip(w.first, w.end) == each for w in has) for each in had), "a day is taken"
    for account in ACCOUNTS:
        world.do("look", account, 0)
    known = {right.id for right in world.meter.rights if right.account}
    known |= {right.id for right in unclaimed([world.meter], today(world.day))}
    in_force = {name for rights in world.grdf.values() for name, each in rights.items() if each.state == "active"}
    assert in_force <= known, "after a look at each client, each right in force has an account, or is told"
