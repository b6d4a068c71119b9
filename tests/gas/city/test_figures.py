"""Figures about groups: what is published, and that nothing about few households follows from it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from include.gas.city.disclosure import PublishedMonth
from include.gas.city.figures import Figure, MemberList, counted_uses, last_settled_month, next_figures, whole_months
from include.gas.city.groups import Groups, groups_of, read_group_file, with_groups
from include.gas.city.weather import length

TODAY = date(2026, 11, 30)
SEPTEMBER, YEAR_BEFORE = date(2026, 9, 1), date(2025, 9, 1)
FEW = 11


def household(number: int, **groups: str) -> Groups:
    return Groups(f"home-{number}", groups, f"t{number:04}")


def street(first: int, number: int, **groups: str) -> list[Groups]:
    return [household(each, **groups) for each in range(first, first + number)]


def use(homes: list[Groups], load: float = 100, *months: date) -> dict[date, dict[str, Any]]:
    return {month: {each.token: load + place for place, each in enumerate(homes)} for month in months or (SEPTEMBER,)}


def publish(homes: list[Groups], uses: Any, *known: Figure, today: date = TODAY) -> list[Figure]:
    return list(next_figures(homes, uses, {each.id: each for each in known}, today, FEW))


def named(found: list[Figure]) -> dict[str, int]:
    return {each.id.removeprefix("~"): each.households for each in found}


def test_a_group_s_month_and_the_year_before() -> None:
    homes = street(0, 12, postcode="69001")
    former, found = publish(homes, use(homes, 100, SEPTEMBER) | use(homes[:-1], 90, YEAR_BEFORE))
    assert (former.households, former.load) == (11, 1045)
    # The one that has no year before would be all that is between the figure and its comparison.
    counted = MemberList((SEPTEMBER,), tuple(sorted(each.token for each in homes)), 200)
    assert found == Figure(
        dimension="postcode", group="69001", year=2026, month=9, households=12, assigned=12, load=1266,
        published_on=TODAY, lists=(counted,),
    )  # fmt: skip
    both = publish(homes, use(homes, 100, SEPTEMBER) | use(homes, 90, YEAR_BEFORE))[-1]
    assert both.compared
    assert (both.compared.households, both.compared.load, both.compared.before) == (12, 1266, 1146)


@pytest.mark.parametrize(
    ("homes", "found"),
    [
        (street(0, 10, postcode="a"), {}),
        (street(0, 11, postcode="a"), {"postcode:a": 11}),
        (street(0, 11, postcode="a") + street(20, 5, postcode="b"), {"postcode:a": 11}),
        # Five of a programme: the programme less the postcode would show the others, so the postcode is without them.
        (street(0, 20, postcode="a") + street(20, 5, postcode="a", programme="p") + street(40, 12, programme="p"),
         {"programme:p": 17, "postcode:a": 20}),
        # A postcode that is all of a programme but three: without eight of them it shows eleven at least.
        (street(0, 37, postcode="a", programme="p") + street(37, 3, programme="p"),
         {"programme:p": 40, "postcode:a": 29}),
        (street(0, 12, postcode="a", programme="p") + street(20, 3, programme="p"), {"programme:p": 15}),
        # An IRIS within a postcode costs nothing.
        (street(0, 12, postcode="a", iris="i") + street(20, 11, postcode="a"), {"iris:i": 12, "postcode:a": 23}),
    ],
)  # fmt: skip
def test_what_is_published_together(homes: list[Groups], found: dict[str, int]) -> None:
    assert {key.rpartition(":")[0]: number for key, number in named(publish(homes, use(homes))).items()} == found


def test_a_comparison_counts_for_the_figures_of_its_own_morning() -> None:
    homes = street(0, 12, programme="p", postcode="a") + street(12, 18, programme="p")
    found = publish(homes, use(homes, 100, SEPTEMBER) | use(homes[:15], 90, YEAR_BEFORE))
    # Of the 15 that are compared, a postcode of 12 would show the other three.
    assert named(found) == {"programme:p:2025-09": 15, "programme:p:2026-09": 30}


def test_one_household_that_uses_most() -> None:
    homes = street(0, 20, postcode="a")
    uses = use(homes)
    uses[SEPTEMBER][homes[0].token] = 100_000
    assert publish(homes, uses) == []
    assert publish(homes, {SEPTEMBER: dict.fromkeys((each.token for each in homes), 0)}) == [], "0 is everybody's"


def test_what_is_published_stays_until_many_more_can_be_counted() -> None:
    homes = street(0, 15, postcode="a")
    (first,) = publish(homes, use(homes))
    assert publish(homes, use(homes), first) == []
    more = homes + street(20, 10, postcode="a")
    assert publish(more, use(more), first) == [], "ten are too few"
    more += street(40, 1, postcode="a")
    assert named(publish(more, use(more), first)) == {"postcode:a:2026-09": 26}
    left = more[1:]
    # The others of the first figure would show what the one has used that has left, and without them it is smaller.
    assert publish(left, use(left), first) == []
    left += street(60, 16, postcode="a")
    (found,) = publish(left, use(left), first)
    assert {*found.lists[1].members} == {each.token for each in left[14:]}


def test_months_that_may_still_change_wait() -> None:
    assert last_settled_month(date(2026, 11, 9)) == date(2026, 8, 1)
    assert last_settled_month(date(2026, 11, 10)) == SEPTEMBER
    homes = street(0, 12, postcode="a")
    assert publish(homes, use(homes), today=date(2026, 11, 9)) == []


def test_only_whole_months_of_all_meters_count() -> None:
    def total(account: str, pce: str, load: float, days: int = 30, **more: Any) -> dict[str, Any]:
        return {"_id": f"{account}:{pce}:2026-09", "account": account, "pce": pce, "load": load, "days": days, **more}

    documents = [
        total("a", "1", 10), total("a", "2", 5.5), total("b", "3", 7), total("b", "4", 7, 29), total("c", "5", 1),
        total("d", "6", 9, 0, source="published"), {"_id": "odd", "account": "a", "load": 1, "days": 30},
    ]  # fmt: skip
    homes = [Groups(name, {}, f"t{name}") for name in "abd"]
    assert whole_months(documents, homes) == {SEPTEMBER: {"ta": 15.5}}


def test_a_meter_of_two_accounts_counts_once() -> None:
    documents = [
        {"_id": f"{account}:1:2026-09", "account": account, "pce": "1", "load": 10, "days": 30} for account in "ab"
    ]
    assert whole_months(documents, [Groups(name, {}, f"t{name}") for name in "ab"]) == {SEPTEMBER: {"ta": 10}}


def test_a_silent_meter_and_what_was_counted_before() -> None:
    def month(pce: str, number: int, load: float) -> dict[str, Any]:
        days = length(date(2026, number, 1))
        return {"_id": f"a:{pce}:2026-{number:02}", "account": "a", "pce": pce, "load": load, "days": days}

    documents = [*(month("1", number, 10) for number in (6, 7, 8, 9)), month("2", 6, 5), month("2", 9, 5)]
    june, home = date(2026, 6, 1), Groups("a", {}, "ta")
    assert whole_months(documents, [home]) == {june: {"ta": 15}, SEPTEMBER: {"ta": 15}}
    counted = whole_months(documents, [Groups("a", {}, "ta", {"2026-06": 12, "2025-06": 7})])
    assert (counted[june], counted[date(2025, 6, 1)]) == ({"ta": 12}, {"ta": 7})


def test_who_has_left_may_have_been_the_largest() -> None:
    month, everyone = PublishedMonth(3), [f"t{n}" for n in range(8)]
    loads = dict.fromkeys(everyone[1:], 10)
    month.add(everyone, 500)
    assert month.choose_members(everyone[1:6], loads) == frozenset(), "the other three would show t0"
    month = PublishedMonth(3)
    month.add(everyone, 20)
    assert month.choose_members(everyone[1:6], loads) == frozenset(everyone[1:6])


def test_groups_of_accounts() -> None:
    stored = with_groups(None, "home", {"postcode": "69001", "colour": "red", "iris": ""})
    known = groups_of(stored)
    assert known
    assert (stored["_id"], known.groups) == ("home:groups", {"postcode": "69001"})
    moved = with_groups(stored | {"_rev": "1-a"}, "home", {"programme": "p" * 200})
    assert (moved["token"], moved["_rev"]) == (known.token, "1-a")
    assert moved["groups"] == {"postcode": "69001", "programme": "p" * 100}
    assert with_groups(moved, "home", {"postcode": ""})["groups"] == {"programme": "p" * 100}
    assert groups_of({"_id": "home:groups", "account": 1}) is None
    text = "account;postcode;programme\nhome;69001;p\n_odd;69001;p\nhome;69002;\nother;;\nlast;6900;p\n"
    found, wrong = read_group_file(text.encode())
    assert found == {
        "home": {"postcode": "69001", "programme": "p"}, "other": {"postcode": "", "programme": ""},
    }  # fmt: skip
    assert {*wrong} == {3, 4, 6}


class Attacker:
    """One who knows all that was published on any morning, and who was in it."""

    def __init__(self) -> None:
        self.known: dict[date, list[tuple[frozenset[str], float]]] = defaultdict(list)

    def read(self, figure: Figure) -> None:
        last = frozenset(figure.lists[-1].members)
        if figure.compared:
            self.known[figure.first].append((last, figure.compared.load))
            self.known[figure.lists[-1].months[1]].append((last, figure.compared.before))
        counted = frozenset(figure.lists[-2].members) if figure.compared else last
        self.known[figure.first].append((counted, figure.load))

    def differences(self, month: date) -> int:
        """Return the fewest households in a difference of two figures, or of one and the sum of two others."""
        sets = [members for members, _ in set(self.known[month])]
        found = [*sets, *(one - other for one, other in combinations(sets, 2) if other <= one)]
        found += [one - other for other, one in combinations(sets, 2) if other <= one]
        pairs = [one | other for one, other in combinations(sets, 2) if not one & other]
        found += [one - pair for one in sets for pair in pairs if pair <= one]
        found += [pair - one for one in sets for pair in pairs if one <= pair]
        return min((len(each) for each in found if each), default=FEW)

    def bounds(self, month: date, token: str) -> tuple[float, float]:
        """Return the least and the most that a household can have used, by linear programming."""
        sets = self.known[month]
        columns = sorted({each for members, _ in sets for each in members})
        matrix = np.array([[each in members for each in columns] for members, _ in sets], dtype=float)
        target = np.array([each == token for each in columns], dtype=float)
        sums = np.array([load for _, load in sets])
        low, high = (linprog(sign * target, A_eq=matrix, b_eq=sums, bounds=(0, None)).fun * sign for sign in (1, -1))
        return low, high


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_year_of_mornings_shows_nobody(seed: int) -> None:
    """Households join, move to other groups and leave, and GRDF corrects; figures of three kinds of groups overlap."""
    random = Random(seed)
    attacker, known = Attacker(), dict[str, Figure]()
    months = [date(2024 + place // 12, place % 12 + 1, 1) for place in range(30)]
    loads: dict[date, dict[str, Any]] = {month: {} for month in months}
    homes: dict[int, Groups] = {}
    left, counted = set[str](), defaultdict[str, dict[str, Any]](dict)

    def join(number: int) -> None:
        homes[number] = household(
            number, postcode=random.choice("aab"), iris=random.choice("mnop"), programme=random.choice(["", "x", "y"])
        )
        for month in months[random.randrange(20) :]:  # it brings years of its past
            loads[month][homes[number].token] = random.randrange(50, 400)

    for number in range(90):
        join(number)
    for day in range(0, 366, 3):
        today = date(2026, 1, 10) + timedelta(days=day)
        if random.random() < 0.5:
            join(100 + day)
        if random.random() < 0.4:
            gone = homes.pop(random.choice(sorted(homes)))
            left.add(gone.token)
        if random.random() < 0.2:
            number = random.choice(sorted(homes))
            homes[number] = Groups(
                homes[number].account, {**homes[number].groups, "iris": random.choice("mnop")}, homes[number].token
            )
        for of_month in random.sample([*loads.values()], 5):
            of_month[random.choice(sorted(of_month))] += random.randrange(100)  # corrected, as late as may be
        seen = {
            month: {
                token: counted[token].get(f"{month:%Y-%m}", load)
                for token, load in of_month.items() if token not in left
            }
            for month, of_month in loads.items() if month < today
        }  # fmt: skip
        published = publish([*homes.values()], seen, *known.values(), today=today)
        for token, first_counted in counted_uses(published, seen).items():
            counted[token] = first_counted | counted[token]
        for each in published:
            attacker.read(each)
            known[each.id] = each
    assert len(attacker.known) > 20
    assert sum(map(len, attacker.known.values())) > 150
    for month, figures in attacker.known.items():
        assert attacker.differences(month) >= FEW
        for token in random.sample(sorted({each for members, _ in figures for each in members}), 4):
            low, high = attacker.bounds(month, token)
            assert low == pytest.approx(0, abs=1e-6)
            assert counted[token][f"{month:%Y-%m}"] <= 0.85 * high + 1e-6


def test_an_unsafe_publication_would_be_found() -> None:
    attacker, everyone = Attacker(), frozenset(f"t{n}" for n in range(12))
    attacker.known[SEPTEMBER] = [(everyone, 1200.0), (everyone - {"t3"}, 1100.0)]
    assert attacker.differences(SEPTEMBER) == 1
    assert attacker.bounds(SEPTEMBER, "t3") == pytest.approx((100, 100))


def test_members_of_the_smallest_allowed() -> None:
    month = PublishedMonth(3)
    assert month.choose_members({"a", "b"}, {"a": 1, "b": 1}) == frozenset()
    assert month.choose_members({"a", "b", "c"}, dict.fromkeys("abc", 1)) == frozenset("abc")
