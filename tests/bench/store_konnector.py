"""The konnector's daily run by length of history, for comparison, with separate databases for each household."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.bench.counting_proxy import CountingProxy
from tests.bench.report import Report, Row
from tests.bench.store_fleet import DOCTYPES, Member, write
from tests.bench.store_world import HISTORIES, World, cpu_ms
from tests.bench.timing import Figures, side_by_side, watch
from tests.couch_places import Place
from tests.konnector import Konnector

KEPT = ("load", "year", "month", "day", "hour", "minute")
BLIND = {"days wrong", "totals not GRDF's"}


class Konnectors:
    """One household per length of history, each in separate databases, as the konnector has stored it.

    :param report: the report, to which errors are added
    :param world: the benchmark's world
    """

    def __init__(self, report: Report, world: World) -> None:
        self._report, self._world = report, world

    def measure(self, raw: Callable[[list[Row]], Figures], documents: Callable[[str], list[Row]]) -> dict[str, Row]:
        """Return the konnector's columns, by history.

        :param raw: the raw write to compare with
        :param documents: returns the documents to write, for a name from which their ids are made
        """
        turns: dict[str, Callable[[], Figures]] = {}
        counts: dict[str, Row] = {}
        places = [self._world.server.fresh() for _ in HISTORIES]
        opened = [place.__enter__() for place in places]
        try:
            for place, (name, days) in zip(opened, HISTORIES.items(), strict=True):
                member = Member("konnector", 9_900_000, days)
                place.create(*DOCTYPES)
                write(place, {each: _as_theirs(docs) for each, docs in member.documents().items() if each in DOCTYPES})
                counts[name] = self._count(place, member)
                steps = itertools.count(2)
                turns[name] = lambda place=place, member=member, steps=steps: self._time(place, member, next(steps))  # type: ignore[misc]
            numbers = itertools.count()
            turns["raw"] = lambda: raw(documents(f"konnector-{self._world.state.step}-{next(numbers)}"))
            found = side_by_side(turns, self._world.state.members - 1)
        finally:
            for place in places:
                place.__exit__(None, None, None)
        return {
            name: counts[name]
            | {
                "konnector's ms": found.middle(name)["load"],
                "konnector of raw write": found.ratio(name, "raw", "load"),
            }
            | ({"konnector's CPU ms": found.middle(name)["cpu"]} if "cpu" in found.middle(name) else {})
            for name in HISTORIES
        }

    def _count(self, place: Place, member: Member) -> Row:
        with CountingProxy(place.url) as proxy:
            konnector = Konnector(Place(proxy.url, place.auth, place.prefix))
            konnector.load(member.readings(1))
            konnector.close()
            self._verify(place, member, 1)
            return {"konnector's requests": len(proxy.seen), "konnector's KB": sum(proxy.bytes) / 1000}

    def _time(self, place: Place, member: Member, step: int) -> Figures:
        konnector, readings = Konnector(place), member.readings(step)
        with watch() as taken:
            before = cpu_ms()
            konnector.load(readings)
            after = cpu_ms()
        konnector.close()
        self._verify(place, member, step)
        cpu = {"cpu": after - before} if before is not None and after is not None else {}
        return {"load": taken.wall} | cpu

    def _verify(self, place: Place, member: Member, step: int) -> None:
        """Record errors. Missed corrections are by design and do not count."""
        truth = member.loads(step)
        off = {what: number for what, number in place.stored().differences(truth).items() if number}
        if not off.keys() <= BLIND or off.get("days wrong", 0) > 2 * step:
            self._report.wrong.append(f"konnector with {member.history} days, daily run {step}: {off}")


def _as_theirs(documents: list[Row]) -> list[Row]:
    """Return documents as the konnector stores them: with random ids from CouchDB and without the account's name."""
    return [{key: document[key] for key in KEPT} for document in documents]
