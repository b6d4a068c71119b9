"""A meter's rights: each row of the table, and all sequences of events of two accounts of two clients."""

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
from include.gas.days.windows import Window
from include.gas.rights.meter_rights import Meter, Right, days_of, has_withdrawn, hold, lasting, unclaimed
from include.gas.rights.transitions import (
    Answer,
    Asking,
    Taken,
    UnderWay,
    answered,
    asked,
    brought,
    ended,
    left,
    listed,
    orphaned,
    questionable,
    refused,
)

PCE = "09999990000001"
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def at(day: int) -> str:
    return utc_text(START + day * DAY)


def today(day: int) -> date:
    return (START + day * DAY).date()


def line(name: str, state: str = "active", made: int = 0, **more: object) -> AccessRight:
    fields = {
        "first": today(made), "last": today(made + 1095), "data_first": today(made - 1095),
        "data_end": today(made + 1096), "created_at": at(made),
    }  # fmt: skip
    return AccessRight(name, PCE, "autorise_contrat_fourniture", state, **(fields | more))  # type: ignore[arg-type]


def who(account: str, day: int = 0, client: str = "north", *, shared: bool = False) -> Asking:
    return Asking(account, client, at(day), today(day), shared)


def answer(
    *lines: AccessRight,
    day: int,
    whole: bool = True,
    client: str = "north",
    shared: bool = False,
) -> Answer:
    return Answer(client, lines, at(day), today(day), whole=whole, shared=shared)


def one(meter: Meter, account: str = "a") -> Right:
    (right,) = meter.of(account)
    return right


def is_open(meter: Meter, account: str, day: int) -> bool:
    """Return whether GRDF may be asked for an account."""
    return hold(meter, account, today(day)).is_open


def wanted(**terms: Any) -> Right:
    """Return a right as it is to be declared."""
    return Right(client="", way="declared", state="asked", since="", **terms)


EMPTY = Meter(pce=PCE)
HELD = listed(brought(EMPTY, who("a"), "r1", "client_connect"), answer(line("r1"), day=0))


def test_nothing_is_read_under_a_right_that_grdf_has_not_shown() -> None:
    meter = brought(EMPTY, who("a"), "r1", "client_connect")
    assert days_of(meter, "a") == ()
    assert not is_open(meter, "a", 0)
    assert is_open(HELD, "a", 9)


def test_a_meter_is_one_accounts() -> None:
    events: tuple[Callable[[], Meter], ...] = (
        lambda: brought(HELD, who("b", 5), "r1", "client_connect"),
        lambda: brought(HELD, who("b", 5), "r2", "adopted", chosen=True),
        lambda: asked(HELD, who("b", 5), wanted()),
    )
    for event in events:
        with pytest.raises(Taken):
            event()
    both = listed(
        brought(HELD, who("b", 5, shared=True), "r2", "client_connect"),
        answer(line("r1"), line("r2", made=5), day=5, shared=True),
    )
    assert days_of(both, "a", shared=True) == (Window(today(-1095), today(1096)),)
    assert days_of(both, "b", shared=True) == (Window(today(-1090), today(1101)),)


def test_who_moves_in_gets_the_days_after_the_former_right() -> None:
    moved = listed(HELD, answer(line("r1", "obsolete", revoked=today(40)), day=41))
    next_one = listed(brought(moved, who("b", 45), "r2", "client_connect"), answer(line("r2", made=45), day=45))
    assert days_of(next_one, "a") == (Window(today(-1095), today(40)),)
    assert days_of(next_one, "b") == (Window(today(40), today(1141)),)
    assert not is_open(next_one, "a", 50)
    assert is_open(next_one, "b", 50)


def test_a_household_that_has_asked_for_the_end_rests_until_it_has_another_right() -> None:
    over = ended(HELD, "r1", today(5))
    shown = listed(over, answer(line("r1", state="revoked", revoked=today(5)), day=6))
    assert has_withdrawn([hold(over, "a", today(6)), hold(Meter(pce="GI000001"), "a", today(6))])
    assert has_withdrawn([hold(shown, "a", today(7))])
    assert not has_withdrawn([hold(brought(shown, who("a", 8), "r2", "client_connect"), "a", today(8))])
    again = listed(listed(shown, answer(line("r1"), day=9)), answer(line("r1", state="revoked"), day=10))
    assert not has_withdrawn([hold(again, "a", today(10))]), "GRDF has ended what it showed as active again"
    assert not has_withdrawn([hold(listed(HELD, answer(line("r1", state="revoked"), day=6)), "a", today(6))])
    assert not has_withdrawn([])


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
@pytest.mark.parametrize("order", [1, -1])
def test_who_moves_in_while_the_former_right_goes_on_gets_the_meter_when_that_ends(*, known: bool, order: int) -> None:
    lines = (line("r1"), line("r2", made=5))
    meter = listed(HELD, answer(*lines, day=5, whole=False)) if known else HELD
    behind = listed(brought(meter, who("b", 5), "r2", "client_connect"), answer(*lines[::order], day=6))
    assert days_of(behind, "b") == ()
    assert hold(behind, "b", today(6)).word == "behind"
    renewed = listed(brought(behind, who("a", 8), "r3", "client_connect"), answer(*lines, line("r3", made=8), day=8))
    assert hold(renewed, "b", today(8)).word == "behind"
    assert is_open(renewed, "a", 8)
    over = answer(*(line("r1", "revoked", revoked=today(40)), line("r2", made=5))[::order], day=40, whole=False)
    asked_about = replace(over, at=at(41), today=today(41), whole=True)
    moved = listed(listed(behind, over), asked_about)
    assert days_of(moved, "a") == (Window(today(-1095), today(40)),)
    assert days_of(moved, "b") == (Window(today(40), today(1101)),)


def test_who_is_behind_a_household_that_leaves_gets_none_of_its_days() -> None:
    behind = listed(brought(HELD, who("b", 5), "r2", "client_connect"), answer(line("r1"), line("r2", made=5), day=6))
    gone = left(ended(behind, "r1", today(40)), "a")
    assert left(gone, "a") == gone
    alone = listed(gone, answer(line("r2", made=5), day=41))
    assert days_of(alone, "b") == (Window(today(40), today(1101)),)


def test_who_moved_in_gets_no_more_days_once_the_former_household_leaves() -> None:
    moved = listed(HELD, answer(line("r1", "obsolete", revoked=today(40)), day=41))
    next_one = listed(brought(moved, who("b", 45), "r2", "client_connect"), answer(line("r2", made=45), day=45))
    gone = left(next_one, "a")
    assert days_of(gone, "b") == days_of(next_one, "b") == (Window(today(40), today(1141)),)
    back = listed(
        brought(gone, who("c", 50), "r3", "client_connect"), answer(line("r2", "revoked"), line("r3"), day=60)
    )
    assert days_of(left(back, "b"), "c") == days_of(back, "c") == (Window(today(60), today(1096)),)


def test_who_leaves_takes_no_day_of_who_had_the_meter_before() -> None:
    moved = listed(HELD, answer(line("r1", "obsolete", revoked=today(40)), day=41))
    next_one = listed(brought(moved, who("b", 45), "r2", "client_connect"), answer(line("r2", made=45), day=45))
    assert days_of(left(next_one, "b"), "a") == days_of(moved, "a") == (Window(today(-1095), today(40)),)


def test_a_declaration_that_is_accepted_late_takes_no_day_of_who_had_the_meter_meanwhile() -> None:
    meter = answered(asked(EMPTY, who("b"), wanted()), who("b"), "r1")
    meter = listed(brought(meter, who("a", 1), "r2", "client_connect"), answer(line("r2", made=1), day=2))
    over = listed(meter, answer(line("r1", WAITING), line("r2", "revoked", made=1, revoked=today(12)), day=12))
    late = listed(over, answer(line("r1"), line("r2", "revoked", made=1, revoked=today(12)), day=13))
    assert days_of(late, "a") == (Window(today(-1094), today(12)),)
    assert days_of(late, "b") == (Window(today(12), today(1096)),)


def test_what_is_accepted_second_does_not_come_into_force() -> None:
    """GRDF has let two households in, one after the other, through rights that both waited."""
    meter = asked(asked(EMPTY, who("a"), wanted()), who("b", 1), wanted())
    meter = answered(answered(meter, who("a"), "r1"), who("b", 1), "r2")
    meter = listed(meter, answer(line("r1", made=0), line("r2", made=10), day=10))
    assert [hold(meter, account, today(10)).word for account in "ab"] == ["active", "behind"]
    gone = listed(meter, answer(line("r1", "revoked", revoked=today(30)), line("r2", made=10), day=31))
    assert days_of(gone, "a") == (Window(today(-1095), today(30)),)
    assert days_of(gone, "b") == (Window(today(30), today(1106)),)


def test_two_rights_of_an_account_come_into_force_together() -> None:
    """Its older one waited while another account's came: GRDF's list names them in an order of its own."""
    meter = answered(asked(EMPTY, who("a"), wanted()), who("a"), "r3")
    meter = brought(brought(meter, who("b", 1, "south"), "r2", "client_connect"), who("a", 2), "r1", "client_connect")
    shown = answer(line("r1", made=1), line("r3"), day=5)
    meter = listed(meter, shown)
    assert [each.was_active for each in meter.of("a")] == [True, True]
    assert listed(meter, shown) == meter


@pytest.mark.parametrize("known", [False, True], ids=["new", "listed before"])
def test_what_was_asked_first_and_is_written_second_takes_no_day_of_the_other(*, known: bool) -> None:
    lines = line("r1", data_end=today(-10)), line("r2", data_first=today(-500))
    first = listed(brought(EMPTY, who("a", 5), "r1", "client_connect"), answer(*lines[: 1 + known], day=6))
    second = listed(brought(first, who("b", 3), "r2", "client_connect"), answer(*lines, day=4))
    second = listed(second, answer(*lines, day=6))
    assert days_of(second, "a") == days_of(first, "a") == (Window(today(-1095), today(-10)),)
    assert days_of(second, "b") == (Window(today(-10), today(1096)),)


def test_who_returns_behind_another_account_is_asked_for_its_days_of_before() -> None:
    over = line("r1", "obsolete", revoked=today(40))
    meter = listed(
        brought(listed(HELD, answer(over, day=41)), who("b", 45), "r2", "client_connect"),
        answer(line("r2", made=45), day=45),
    )
    back = listed(
        brought(meter, who("a", 50), "r3", "client_connect"), answer(line("r3", made=50), day=50, whole=False)
    )
    held = hold(back, "a", today(50))
    assert (held.word, held.is_open, held.days) == ("behind", True, (Window(today(-1095), today(40)),))
    assert days_of(back, "b") == days_of(meter, "b")


def test_renewing_joins_the_days() -> None:
    meter = listed(
        brought(HELD, who("a", 900), "r2", "client_connect"), answer(line("r1"), line("r2", made=900), day=900)
    )
    assert days_of(meter, "a") == (Window(today(-1095), today(1996)),)


@pytest.mark.parametrize("state", ["obsolete", "refused", WAITING, "to be checked again by GRDF"])
def test_the_list_ends_nothing_and_the_answer_about_the_meter_does(state: str) -> None:
    shown = answer(line("r1", state), day=9, whole=False)
    assert listed(HELD, shown) == HELD
    assert questionable(HELD, shown)
    assert not is_open(listed(HELD, answer(line("r1", state), day=9)), "a", 9)


def test_a_right_that_its_holder_has_refused_stays_refused_when_grdf_lists_it_no_more() -> None:
    waits = answered(asked(EMPTY, who("a"), wanted()), who("a"), "r1")
    refusing = listed(waits, answer(line("r1", "refused"), day=1))
    assert one(listed(refusing, answer(day=5))).state == "refused"


def test_a_right_that_grdf_checks_again_keeps_the_meter() -> None:
    checked = listed(HELD, answer(line("r1", "to be checked again by GRDF"), day=9))
    assert not is_open(checked, "a", 9)
    with pytest.raises(Taken):
        asked(checked, who("b", 9), wanted())


def test_a_right_that_a_lost_ledger_learns_again_keeps_its_days() -> None:
    """It is over. The account had it, so it was in force; of one that was never heard of nobody knows that."""
    over = answer(line("r1", "revoked", revoked=today(40)), day=41)
    again = listed(brought(EMPTY, who("a", 41), "r1", "konnector"), over)
    assert days_of(again, "a") == (Window(today(-1095), today(40)),)
    assert days_of(listed(brought(EMPTY, who("a", 41), "r1", "client_connect"), over), "a") == ()


def test_a_right_that_nobody_has_goes_with_its_end() -> None:
    free = listed(EMPTY, answer(line("r1"), day=1, whole=False))
    assert questionable(free, answer(day=9, whole=False))
    assert listed(free, answer(day=9)) == EMPTY


def test_a_right_that_is_not_shown() -> None:
    assert listed(HELD, answer(day=9, whole=False)) == HELD
    assert questionable(HELD, answer(day=9, whole=False))
    gone = one(listed(HELD, answer(day=9)))
    assert (gone.state, gone.ended_on) == ("ended", today(9))
    assert not questionable(listed(HELD, answer(day=9)), answer(day=10, whole=False))
    assert one(listed(listed(HELD, answer(day=9)), answer(line("r1"), day=10))).state == "active"


def test_an_unknown_word_changes_nothing() -> None:
    assert listed(HELD, answer(line("r1", "actif"), day=9)) == HELD


def test_an_answer_from_before_changes_nothing() -> None:
    again = brought(HELD, who("a", 9), "r2", "client_connect")
    assert one(listed(HELD, answer(day=0))).state == "active"
    assert [each.state for each in listed(again, answer(line("r1"), day=8)).of("a")] == ["active", "active"]
    assert listed(HELD, answer(line("r1"), day=9)) == HELD, "each morning's list writes nothing"
    newer = listed(HELD, answer(line("r1", "obsolete", revoked=today(8)), day=9))
    assert listed(newer, answer(line("r1"), day=8)) == newer


def test_a_declaration_whose_answer_was_lost_is_settled_by_the_next_look() -> None:
    meter = asked(EMPTY, who("a"), wanted(calls_until=today(99)))
    assert asked(meter, who("a"), wanted()) == meter
    (again,) = asked(meter, who("a", 1), wanted()).rights
    assert (again.state, again.since) == ("asked", at(1))
    shown = listed(meter, answer(line("r1", WAITING), day=1))
    assert [each.account for each in shown.rights] == ["a", ""]
    settled = one(refused(brought(shown, who("a", 1), "r1", "declared", chosen=True), "a"))
    assert (settled.id, settled.state) == ("r1", "waiting")
    assert refused(meter, "a") == EMPTY


def test_a_meter_is_taken_until_grdf_takes_another_right() -> None:
    over = listed(
        brought(EMPTY, who("a"), "r1", "client_connect"), answer(line("r1", data_end=today(9), last=today(19)), day=0)
    )
    assert over.other_holder("b", today(9)) == "", "its days are over"
    for day in (9, 19):
        with pytest.raises(Taken):
            asked(over, who("b", day), wanted())
        assert hold(over, "b", today(day), declares=True).word == "behind"
        assert hold(over, "b", today(day), declares=True, shared=True).word == "none"
    assert one(asked(over, who("b", 20), wanted()), "b").state == "asked"
    assert hold(over, "b", today(20), declares=True).word == "none"


def test_one_process_declares_at_a_time() -> None:
    meter, next_one = asked(EMPTY, who("a"), wanted()), replace(who("a"), at=utc_text(START + DAY / 1440))
    with pytest.raises(UnderWay):
        asked(meter, next_one, wanted())
    assert one(asked(refused(meter, "a"), next_one, wanted())).since == next_one.at


def test_the_answer_to_a_declaration_after_the_list() -> None:
    meter = listed(asked(EMPTY, who("a"), wanted()), answer(line("r1", WAITING), day=0, whole=False))
    assert one(answered(meter, who("a"), "r1")).id == "r1"
    assert len(answered(meter, who("a"), "r1").rights) == 1


def test_a_right_that_nobody_has_brought_is_told_until_somebody_does() -> None:
    meter = listed(EMPTY, answer(line("r1"), line("r0", "obsolete"), day=1, whole=False))
    assert [each.id for each in unclaimed([meter], today(1))] == ["r1"]
    brought_back = brought(meter, who("a", 2), "r1", "adopted")
    assert unclaimed([brought_back], today(2)) == []
    assert [each.id for each in unclaimed([orphaned(brought_back, "a")], today(2))] == ["r1"], "the account was lost"
    assert orphaned(asked(EMPTY, who("a"), wanted()), "a") == EMPTY


def test_leaving() -> None:
    over = ended(HELD, "r1", today(7))
    assert days_of(over, "a") == (Window(today(-1095), today(7)),)
    assert left(over, "a") == EMPTY
    assert listed(EMPTY, answer(line("r1", "revoked"), day=9)) == EMPTY


def test_a_right_that_begins_later_waits() -> None:
    meter = listed(brought(EMPTY, who("a"), "r1", "client_connect"), answer(line("r1", first=today(20)), day=0))
    assert not is_open(meter, "a", 19)
    assert is_open(meter, "a", 20)


def test_days_that_are_over_may_be_asked_for_while_the_right_is_in_force() -> None:
    shown = line("r1", data_first=today(-300), data_end=today(-100))
    meter = listed(brought(EMPTY, who("a"), "r1", "client_connect"), answer(shown, day=0))
    held = hold(meter, "a", today(1))
    assert (held.word, held.is_open, held.days) == ("over", True, (Window(today(-300), today(-100)),))
    assert not hold(ended(meter, "r1", today(1)), "a", today(2)).is_open


def test_a_right_that_ends_sooner_is_no_answer_to_a_declaration() -> None:
    assert lasting(HELD, "a", wanted(calls_until=today(1095), end=today(1096)), today(9)) == one(HELD)
    longer = wanted(calls_until=today(2000), end=today(2001))
    assert lasting(HELD, "a", longer, today(1000)) == one(HELD)
    assert lasting(HELD, "a", longer, today(1080)) is None
    assert lasting(HELD, "a", wanted(), today(1080)) is None
    assert lasting(HELD, "b", wanted(), today(9)) is None


@pytest.mark.parametrize(
    ("lines", "day", "said"),
    [
        ([line("r1")], 9, ("active", today(1096))),
        ([line("r1", data_end=today(8))], 7, ("active", today(8))),
        ([line("r1", data_end=today(8))], 8, ("over", today(8))),
        ([line("r1")], 1096, ("over", today(1096))),
        ([line("r1", first=today(20))], 9, ("later", today(20))),
        ([line("r1", WAITING)], 9, ("waiting", None)),
        ([line("r1", informative=False)], 9, ("narrow", None)),
        ([line("r1", "refused")], 9, ("refused", None)),
        ([line("r1", "revoked", revoked=today(5))], 9, ("over", today(5))),
    ],
    ids=["active", "last days", "data over", "calls over", "later", "waiting", "no daily data", "refused", "revoked"],
)
def test_how_an_account_stands(lines: list[AccessRight], day: int, said: tuple[str, date | None]) -> None:
    meter = listed(brought(EMPTY, who("a"), "r1", "client_connect"), answer(*lines, day=day))
    held = hold(meter, "a", today(day))
    assert (held.word, held.day) == said
    assert hold(meter, "b", today(day)).word == "none"


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
        rights = self.grdf[client]
        if event == "consent":  # on GRDF's site; the next event may bring it
            name = f"{client}{self.day}"
            end = {"data_end": today(self.day - number)} if number % 2 else {}  # some allow days of the past alone
            rights[name] = line(name, made=self.day, made_on_site=True, **end)
        elif event == "end" and rights:
            name = sorted(rights)[number % len(rights)]
            rights[name] = _over(rights[name], self.day)
        elif event == "accept":
            for name, right in rights.items():
                if right.state == WAITING:
                    rights[name] = line(name, made=self.day)
        elif event == "declare":
            self.apply(lambda meter: asked(meter, self.who(account), wanted()))
            if any(each.state == "asked" for each in self.meter.of(account)):
                name = f"{client}{self.day}"
                rights[name] = line(name, WAITING, made=self.day)
                self.declared[account] = name
                if number % 2:
                    self.apply(lambda meter: answered(meter, self.who(account), name))
        elif event == "bring" and rights:
            name = sorted(rights)[number % len(rights)]
            asking = who(account, self.day - number, client, shared=self.shared)  # others may write before it does
            self.apply(lambda meter: brought(meter, asking, name, "client_connect"))
        elif event == "leave":
            for right in self.meter.of(account):
                if right.id in rights:
                    rights[right.id] = _over(rights[right.id], self.day)
                    self.apply(lambda meter, name=right.id: ended(meter, name, today(self.day)))
            others = [each for each in ACCOUNTS if each != account]
            days = [days_of(self.meter, each, shared=self.shared) for each in others]
            self.apply(lambda meter: left(meter, account))
            assert [days_of(self.meter, each, shared=self.shared) for each in others] == days, "days change hands"
        elif event == "list":
            cut = [each for position, each in enumerate(rights.values()) if (number >> position) & 1]
            self.apply(lambda meter: listed(meter, self.answer(client, cut, whole=False)))
        elif event == "look":
            lines = list(rights.values())
            self.apply(lambda meter: listed(meter, self.answer(client, lines, whole=True)))
            self.heard.append(self.answer(client, lines, whole=True))
            for asker in [each for each in self.declared if self.clients[each] == client]:
                self.take_up(asker, self.declared[asker])

        elif event == "late" and self.heard:
            self.apply(lambda meter: listed(meter, self.heard[number % len(self.heard)]))

    def take_up(self, account: str, name: str) -> None:
        """Bring a right that was declared for the account, stands, and that no account has."""
        free = {right.id for right in self.meter.of("") if right.state in ("waiting", "active")}
        if name in free:
            self.apply(lambda meter: brought(meter, self.who(account), name, "declared", chosen=True))
            self.apply(lambda meter: refused(meter, account))

    def who(self, account: str) -> Asking:
        return who(account, self.day, self.clients[account], shared=self.shared)

    def answer(self, client: str, lines: list[AccessRight], *, whole: bool) -> Answer:
        return answer(*lines, day=self.day, whole=whole, client=client, shared=self.shared)

    def apply(self, change) -> None:  # type: ignore[no-untyped-def]
        try:
            self.meter = change(self.meter)
        except Taken:
            return
        try:
            assert change(self.meter) == self.meter, "an event applied again changes something"
        except Taken:
            pytest.fail("an event applied again is refused")


def _over(right: AccessRight, day: int) -> AccessRight:
    return replace(right, state="obsolete", revoked=today(day))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["consent", "end", "accept", "declare", "bring", "leave", "list", "look", "late"]),
        st.sampled_from(ACCOUNTS),
        st.integers(0, 7),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


ASKED_BEFORE = [
    ("consent", "a", 1), ("bring", "a", 0), ("look", "a", 0), ("consent", "b", 0), ("list", "b", 1), ("bring", "b", 6)
]  # fmt: skip
"""Days of the past alone, and another account that asks before they are noted and brings its right after."""


@example(ASKED_BEFORE, False)
@given(EVENTS, st.booleans())
@settings(max_examples=1500, deadline=None)
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
    # After a look at each client, every right in force has an account, or is told.
    for account in ACCOUNTS:
        world.do("look", account, 0)
    known = {right.id for right in world.meter.rights if right.account} | {
        right.id for right in unclaimed([world.meter], today(world.day))
    }
    in_force = {name for rights in world.grdf.values() for name, each in rights.items() if each.state == "active"}
    assert in_force <= known
