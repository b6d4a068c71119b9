"""Whatever GRDF says and however runs are skipped, doubled or repeated, its last word is what is stored."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from include.gas.account.sections.missing_days import awaited_from, known_gaps, with_gaps
from include.gas.answers.consumption.daily import read_daily
from include.gas.days.asked_days import Reread, askable, daily_window
from include.gas.days.gas_day import gas_day_start, paris_today
from include.gas.days.windows import ONE_DAY, Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gaps import PUBLISHED_WITHIN, gaps_of
from include.gas.documents.gas_days import CHANGES_KEPT, day_id, day_of, id_range, open_days
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

ACCOUNT = "a"
METERS = ("09999999900017", "GI999042")
REREAD = 9
STARTS = (date(2023, 12, 18), date(2024, 2, 22), date(2024, 3, 24), date(2025, 10, 20))
"""Start dates for which a year's end, a leap day, or days of 23 and 25 hours come within the first weeks."""
LOADS = st.integers(0, 40) | st.sampled_from([0.5, 36.212, 40.5, 76.712])


@dataclass(frozen=True)
class Answer:
    """What GRDF answered, and when it was asked."""

    pce: str
    window: Window
    read_at: datetime
    text: str


@dataclass
class Grdf:
    """What GRDF currently says about a meter's days: kWh, and whether that is final. Absent days are left out."""

    days: dict[date, tuple[float, bool]] = field(default_factory=dict)

    def text(self, pce: str, window: Window) -> str:
        """Return the text of the answer to a call. Some absent days have a line that says so, others have none."""
        lines = []
        for day in window.days():
            if day not in self.days:
                if day.day % 2:
                    lines.append(line(pce, day, None, "Absence de Données", "Provisoire"))
                continue
            load, definitive = self.days[day]
            lines.append(line(pce, day, load, "Mesuré", "Définitive" if definitive else "Provisoire"))
        return "\n".join(map(json.dumps, lines))


def line(pce: str, day: date, load: float | None, quality: str, status: str) -> dict[str, Any]:
    use = {
        "date_debut_consommation": gas_day_start(day).isoformat(),
        "journee_gaziere": day.isoformat() if day.day % 3 else None,
        "energie": load, "type_qualif_conso": quality, "statut_conso": status,
        "sens_flux_gaz": "Consommation", "type_conso": "Informative Journalier",
    }  # fmt: skip
    return {"pce": {"id_pce": pce}, "consommation": use, "statut_restitution": None}


class Histories(RuleBasedStateMachine):
    """Time passes, GRDF publishes and restates days, and runs happen or do not."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.account: dict[str, Any] = {"_id": ACCOUNT}
        self.grdf = {pce: Grdf() for pce in METERS}
        self.read: dict[tuple[str, date], float] = {}  # what was last learnt about each day
        self.due: set[tuple[str, date]] = set()  # changes that the next daily run must find
        self.history_read: set[str] = set()
        self.late: list[Answer] = []  # read but not loaded yet
        self.first = date.max
        self.now = datetime.max.replace(tzinfo=UTC)

    @initialize(start=st.sampled_from(STARTS), age=st.integers(0, 20))
    def begin(self, start: date, age: int) -> None:
        self.first = start
        self.now = datetime.combine(start + timedelta(days=age + 2), time(7, 30), UTC)

    # -- GRDF's side ---------------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return paris_today(self.now)

    @property
    def run_day(self) -> date:
        """The gas day of today's run."""
        return self.today - 2 * ONE_DAY

    @rule(days=st.sampled_from([0, 1, 1, 1, 2, 7, 12]))
    def time_goes_by(self, days: int) -> None:
        self.now += timedelta(days=days, minutes=1)

    @rule(pce=st.sampled_from(METERS), ago=st.integers(1, 6), loads=st.lists(LOADS, min_size=1, max_size=6))
    def days_are_published(self, pce: str, ago: int, loads: list[float]) -> None:
        """Publish days in any order: newer days may appear before older ones."""
        for number, load in enumerate(loads):
            self._say(pce, self.today - (ago + number) * ONE_DAY, load, definitive=False)

    @rule(pce=st.sampled_from(METERS), ago=st.integers(1, 40), load=LOADS, definitive=st.booleans())
    def a_day_is_restated(self, pce: str, ago: int, load: float, definitive: bool) -> None:
        self._say(pce, self.today - ago * ONE_DAY, load, definitive=definitive)

    @rule(pce=st.sampled_from(METERS), months=st.integers(0, 2))
    def a_month_becomes_definitive(self, pce: str, months: int) -> None:
        month = self.today.replace(day=1)
        for _ in range(months):
            month = (month - ONE_DAY).replace(day=1)
        for day, (load, _) in list(self.grdf[pce].days.items()):
            if day.replace(day=1) == month and day < self.today - 3 * ONE_DAY:
                self.grdf[pce].days[day] = (load, True)

    def _say(self, pce: str, day: date, load: float, *, definitive: bool) -> None:
        if not self.first <= day < self.today:
            return
        if self.grdf[pce].days.get(day, (None, False))[1] and not definitive:
            definitive = True  # a definitive day may be corrected, and then stays definitive
        self.grdf[pce].days[day] = (load, definitive)
        if self._is_reread(pce, day):
            self.due.add((pce, day))

    def _is_reread(self, pce: str, day: date) -> bool:
        """Return whether the next daily run will request a day, whenever it happens.

        It goes back from the newest stored day, and to any older missing day that may still arrive. As long as nothing
        is stored, it goes back to the very first day.
        """
        stored = self._stored(pce)
        if pce not in self.history_read or not stored:
            return True
        # Days missing from an answer at their age are requested again on a Monday and weeks later: not assumed here.
        gaps = known_gaps(self.account, pce).values()
        awaited = min((gap.ask_from for gap in gaps if gap.ask_from), default=None)
        reread = max(stored) + ONE_DAY - timedelta(days=REREAD)
        return day >= (reread if awaited is None else min(reread, awaited))

    # -- our side ------------------------------------------------------------------------------------------------------

    def _daily_window(self, pce: str) -> Window | None:
        stored = [day_of(d) for d in self.store.docs[DAY].values() if d["pce"] == pce]
        return daily_window(
            run_day=self.run_day, last_stored=max(stored, default=None), history_read=pce in self.history_read,
            reread=Reread(REREAD), today=self.today, consent_first=self.first, consent_end=None,
            awaited_from=awaited_from(self.account, pce, self.today),
        )  # fmt: skip

    def _ask(self, pce: str, window: Window) -> Answer:
        self.now += timedelta(seconds=1)
        answer = Answer(pce, window, self.now, self.grdf[pce].text(pce, window))
        for day in window.days():
            if day in self.grdf[pce].days:
                self.read[pce, day] = self.grdf[pce].days[day][0]
        return answer

    def _load(self, answer: Answer) -> None:
        lines = read_daily(answer.text, account=ACCOUNT, pce=answer.pce, window=answer.window)
        assert not lines.broken
        report = load_answer(self.store, ACCOUNT, answer.pce, lines.rows, answer.read_at, window=answer.window)
        assert set(report.changed_days) <= {reading.day for reading in lines.rows}
        if answer.pce not in self.history_read:
            return
        found = gaps_of(
            first=self.first, end=max(answer.window.end, self.today - ONE_DAY), stored=report.stored_days,
            years=report.looked_at, reread=Reread(REREAD), asked=answer.window,
            before=known_gaps(self.account, answer.pce), today=self.today,
        )  # fmt: skip
        self.account = with_gaps(self.account, answer.pce, report.looked_at, found, self.now)

    @rule(meters=st.sampled_from([METERS, METERS[:1], METERS[1:]]), times=st.sampled_from([1, 1, 1, 2]))
    def daily_run(self, meters: tuple[str, ...], times: int) -> None:
        for _ in range(times):
            for pce in meters:
                window = self._daily_window(pce)
                if window is None:
                    continue
                answer = self._ask(pce, window)
                self.history_read.add(pce)
                self._load(answer)
                stored = self._stored(pce)
                for day, (load, _) in self.grdf[pce].days.items():
                    if day in window:
                        assert stored[day] == load, f"{day} was asked"
                for _, day in [each for each in self.due if each[0] == pce]:
                    if day <= self.run_day:
                        assert stored[day] == self.grdf[pce].days[day][0], f"{day} changed within the re-read window"
                        self.due.discard((pce, day))

    @rule(pce=st.sampled_from(METERS))
    def a_run_is_cut_off_before_its_load(self, pce: str) -> None:
        window = self._daily_window(pce)
        if window is not None:
            self.late.append(self._ask(pce, window))

    @precondition(lambda self: self.late)
    @rule(data=st.data(), again=st.booleans())
    def a_late_load_comes(self, data: st.DataObject, again: bool) -> None:
        """Readings made later and already stored must stay.

        A day that a later reading only confirmed keeps no trace of it (see ``merge_day``). So it may fall back to an
        older reading until it is read again, and the next daily run must correct it.
        """
        answer = data.draw(st.sampled_from(self.late))
        if not again:
            self.late.remove(answer)
        before = self._documents(answer.pce)
        self._load(answer)
        for key, document in self._documents(answer.pce).items():
            if key in before and before[key]["read_at"] > document["read_at"]:
                raise AssertionError(f"{key} went back in time")
        self._recount_what_was_read(answer.pce)
        self._forget_what_is_settled(answer.pce)

    def _recount_what_was_read(self, pce: str) -> None:
        for key, document in self._documents(pce).items():
            day = date.fromisoformat(key[-10:])
            self.read[pce, day] = document["load"]

    @rule(pce=st.sampled_from(METERS), ago=st.integers(2, 40), include_definitive=st.booleans())
    def a_day_is_backfilled(self, pce: str, ago: int, include_definitive: bool) -> None:
        day = self.today - ago * ONE_DAY
        stored = self.store.docs[DAY].get(day_id(ACCOUNT, pce, day))
        if not self.first <= day or (stored and stored["status"] == "definitive" and not include_definitive):
            return
        self._load(self._ask(pce, Window(day, day + ONE_DAY)))
        self._forget_what_is_settled(pce)

    @rule(pce=st.sampled_from(METERS), ago=st.integers(1, 60), length=st.integers(1, 70), every=st.booleans())
    def a_range_is_read_again(self, pce: str, ago: int, length: int, every: bool) -> None:
        asked = Window.of(self.today - ago * ONE_DAY, self.today - (ago - length) * ONE_DAY)
        assert asked is not None
        window = askable(asked, today=self.today, consent_first=self.first, consent_end=None).window
        if window is not None and not every:
            stored = self.store.range(DAY, *id_range(ACCOUNT, pce, window.first, window.end))
            window = open_days(window, stored)
        if window is None:
            return
        self._load(self._ask(pce, window))
        self._forget_what_is_settled(pce)

    def _forget_what_is_settled(self, pce: str) -> None:
        """A day that was read ahead moves the window forward, but never past a day that may still arrive."""
        self.due = {(meter, day) for meter, day in self.due if meter != pce or self._is_reread(pce, day)}

    # -- always --------------------------------------------------------------------------------------------------------

    def _documents(self, pce: str) -> dict[str, dict[str, Any]]:
        return {key: doc for key, doc in self.store.docs[DAY].items() if doc["pce"] == pce}

    def _stored(self, pce: str) -> dict[date, float]:
        return {day_of(doc): doc["load"] for doc in self._documents(pce).values()}

    @invariant()
    def totals_are_sums(self) -> None:
        sums: dict[str, list[float]] = {}
        for key, document in self.store.docs[DAY].items():
            for period in (key[:-3], key[:-6]):
                sums.setdefault(period, []).append(document["load"])
        totals = {**self.store.docs[MONTH], **self.store.docs[YEAR]}
        assert {key: (doc["load"], doc["days"]) for key, doc in totals.items()} == {
            key: (float(sum(map(Fraction, map(str, loads)))), len(loads)) for key, loads in sums.items()
        }

    @invariant()
    def nothing_is_made_up_and_traces_are_bounded(self) -> None:
        for pce in METERS:
            for key, document in self._documents(pce).items():
                day = date.fromisoformat(key[-10:])
                assert (pce, day) in self.read, "a day that GRDF never told"
                changes = document.get("changes", [])
                assert len(changes) <= CHANGES_KEPT
                assert not changes or changes[-1]["after"] == document["load"]
                for one, next_one in itertools.pairwise(changes):
                    assert one["after"] == next_one["before"]
                    assert one["at"] <= next_one["at"]

    def teardown(self) -> None:
        """The last run reads everything. An old interrupted run may still load before it, but not after."""
        if self.first == date.max:
            return
        for answer in self.late:
            self._load(answer)
        for turn in range(2):
            for pce in METERS:
                self.now += timedelta(minutes=1)
                window = Window(self.first, self.today)
                revisions = self.store.revs()
                self.history_read.add(pce)
                self._load(self._ask(pce, window))
                assert self._stored(pce) == {day: load for day, (load, _) in self.grdf[pce].days.items()}
                statuses = {day_of(doc): doc["status"] == "definitive" for doc in self._documents(pce).values()}
                assert statuses == {day: definitive for day, (_, definitive) in self.grdf[pce].days.items()}
                if turn:
                    assert self.store.revs() == revisions, "the same again writes nothing"
        for pce in METERS:
            missing = [
                day
                for day in Window(self.first, self.today).days()
                if day not in self.grdf[pce].days and day + PUBLISHED_WITHIN < self.today
            ]
            noted = self.account.get("gaps", {}).get(pce, {}).values()
            assert sum(gap["awaited"] + gap["none"] for gap in noted) == len(missing)
        for answer in self.late:  # and if one does anyway, later readings stay
            before = self._stored(answer.pce)
            touched = {
                day for day, doc in ((day_of(d), d) for d in self._documents(answer.pce).values())
                if doc["read_at"] > answer.read_at.isoformat()
            }  # fmt: skip
            self._load(answer)
            assert {day: before[day] for day in touched} == {day: self._stored(answer.pce)[day] for day in touched}
        self.totals_are_sums()


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestHistories = pytest.mark.filterwarnings("default")(Histories.TestCase)
