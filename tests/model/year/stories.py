"""What happens to the homes of a town in a year: each home has one story, and each story is told several times.

A story yields the days on which something happens, as a number of days since the beginning, and what it is: the name of
a method of ``Year`` and its arguments. Ways and days are drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Event = tuple[int, str, tuple[Any, ...]]
Story = Callable[[Random, int, int, str], Iterator[Event]]

ON_GRDFS_SITE = ("cozy", "code", "page")
RENEWING = (*ON_GRDFS_SITE, "form", "document")
WAYS_IN = (*ON_GRDFS_SITE, "form", "link", "import", "document", "adopted", "konnector")


def household(home: int, number: int = 0) -> str:
    return f"home{home:02}-{'abc'[number]}"


def stays(dice: Random, home: int, days: int, way: str) -> Iterator[Event]:
    """It comes, and GRDF corrects some of its days."""
    begin = dice.randrange(0, max(2, days // 6))
    yield begin, "come", (household(home), home, way, dice.choice((30, 400, 1090)), 1000)
    for _ in range(4):
        yield dice.randrange(begin + 8, days - 5), "correct", (household(home), home, dice.randrange(4, 30))


def renews(dice: Random, home: int, days: int, way: str) -> Iterator[Event]:
    """Its consent ends, and it consents again some days before, on that day, or after it."""
    begin, lasts = dice.randrange(0, 5), dice.randrange(days // 3, days // 2)
    yield begin, "come", (household(home), home, dice.choice(ON_GRDFS_SITE), 300, lasts)
    moment = begin + lasts + dice.choice((-25, -4, 0, 1, 6))
    yield max(moment, begin + 3), "renew", (household(home), home, way if way in RENEWING else "page")


def moves_at_once(dice: Random, home: int, days: int, way: str) -> Iterator[Event]:
    """It moves out, and the next household connects on the same day with a consent that reaches back."""
    yield dice.randrange(0, 8), "come", (household(home), home, dice.choice(ON_GRDFS_SITE), 200, 1000)
    moved = dice.randrange(days // 4, days - days // 5)
    yield moved, "move_out", (household(home), home)
    yield moved, "come", (household(home, 1), home, way, 60, 1000)


def is_deleted_and_followed(dice: Random, home: int, days: int, way: str) -> Iterator[Event]:
    """It moves out and is deleted; days later, the next one connects with a consent that reaches back."""
    yield dice.randrange(0, 8), "come", (household(home), home, dice.choice(ON_GRDFS_SITE), 200, 1000)
    moved = dice.randrange(days // 4, days - days // 5)
    yield moved, "delete", (household(home), home)
    yield moved + dice.randrange(2, 7), "come", (household(home, 1), home, way, 160, 1000)


def withdraws_and_returns(dice: Random, home: int, days: int, way: str) -> Iterator[Event]:
    yield dice.randrange(0, 8), "come", (household(home), home, dice.choice(ON_GRDFS_SITE), 200, 1000)
    withdrawn = dice.randrange(days // 4, days // 2)
    yield withdrawn, "withdraw", (household(home), home)
    yield withdrawn + dice.randrange(5, days // 3), "renew", (household(home), home, way)


STORIES: tuple[Story, ...] = (
    stays, moves_at_once, is_deleted_and_followed, renews, withdraws_and_returns, renews, stays, stays, moves_at_once,
    is_deleted_and_followed, renews,
)  # fmt: skip


def plan(seed: int, homes: int, days: int, new_year: int) -> list[Event]:
    """Return all events of a year in order. ``new_year``: the number of days to the first of January."""
    dice, events = Random(seed), list[Event]()
    for home in range(homes):
        way = WAYS_IN[home % len(WAYS_IN)]
        story = STORIES[home % len(STORIES)]
        on_site = way if story is not withdraws_and_returns or way in ON_GRDFS_SITE else "page"
        if home == homes - 1:
            events += _loads_late(home, new_year)
        else:
            events += story(dice, home, days, on_site)
    events += _of_the_town(dice, days)
    if homes > 8:
        events += [(days // 3, "exchange", (household(0), 0, household(7), 7))]
        events += [(days // 2, "exchange", (household(6), 6, household(17), 17))]
    events += _restores(dice, events, days)
    return sorted(events, key=lambda event: event[0])


def _restores(dice: Random, events: list[Event], days: int) -> Iterator[Event]:
    """A backup is restored that lacks what a household has just done: it came, renewed, moved out, or was deleted."""
    for just_done in ("renew", "come", "delete", "move_out")[: max(1, days // 100)]:
        for part in ("everything", "accounts", "rights"):
            moments = [day for day, name, _ in events if name == just_done and 12 < day < days - 30]
            if moments:
                ago = dice.randrange(1, 4)
                yield dice.choice(moments) + ago, "restore", (part, ago + dice.randrange(1, 5))


def _loads_late(home: int, new_year: int) -> Iterator[Event]:
    """The load of a whole reading fails in December; somebody clears it after New Year's retention."""
    yield 0, "come", (household(home), home, "page", 1090, 1000)
    yield new_year - 27, "fail_next_whole_load", (household(home),)
    yield new_year + 2, "clear_load", (household(home),)


def _of_the_town(dice: Random, days: int) -> Iterator[Event]:
    """Outages, lists, prices. The longer the year, the more often."""
    for _ in range(max(1, days // 130)):
        yield dice.randrange(10, days - 12), "silence", (dice.randrange(2, 5),)
        yield dice.randrange(10, days - 12), "late_days", (dice.randrange(2, 9),)
        yield dice.randrange(10, days - 12), "odd_list", (dice.choice(("cut", "empty", "odd")),)
        yield dice.randrange(3, days - 9), "price", (round(dice.uniform(0.06, 0.14), 4),)
