"""From an ADICT answer to readings: one usable energy per gas day, everything else counted.

One bad line never loses the good ones, and never passes silently. Facts: GRDF's v2 API description, clients' reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from include.gas.days import PARIS, gas_day_of
from include.gas.errors import FailNow, GasError, PartialAnswer, ServiceUnavailable
from include.gas.fields import (
    Quality,
    Status,
    coefficient_in,
    float_in,
    is_about,
    number_in,
    quality_in,
    status_in,
    window_in,
)
from include.gas.meter_tag import meter_tag
from include.gas.refusals import is_fine, refusal_error, status_of
from include.gas.scan import scan
from include.gas.windows import Window
from include.gas.words import day_in, fold

COUNTED = ("lines", "readings", "absent", "duplicate", "foreign", "outside", "broken", "refused", "status")
"""The counts of an answer. The first is the sum of the others: every line is counted once."""

MOST_REFUSALS = 10_000
"""Refusals that are looked at one by one; more are counted. Each day of three years may be refused on its own."""

HIGHEST_LOAD = 10_000_000
"""kWh a day; no meter with daily data burns near as much, so anything above is a broken line."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What ADICT says about one gas day.

    :param day: the gas day.
    :param load: energy in kWh, 0 or more; a measured 0 is a reading.
    :param status: whether GRDF may still change it.
    :param quality: how GRDF came by it; a word we do not know counts as estimated, the most careful of the three.
    :param volume: m³, or None. On daily rows load is *not* volume times coefficient.
    :param coefficient: kWh per m³, or None.
    """

    day: date
    load: int | float
    status: Status = "provisional"
    quality: Quality = "measured"
    volume: float | None = None
    coefficient: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line by which GRDF refuses.

    :param code: GRDF's number, or "" when the line carries a message alone.
    :param message: GRDF's message as received; redact before showing.
    :param window: the days it is about, or None when it does not say.
    """

    code: str
    message: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, sorted.

    :param account: account id, for messages.
    :param pce: the meter that was asked.
    :param window: the days that were asked.
    :param readings: one per gas day, by day.
    :param absent: gas days that GRDF says it has nothing for (yet), by day.
    :param refusals: in the order of the answer.
    :param counts: how many lines of which kind, keys as in `COUNTED`; `status` lines merely say "fine" or "no data".
    :param empty: GRDF had nothing to say and nothing went wrong: no body, or the status "no data".
    :param broken: where and why lines could not be read, without quoting them.
    """

    account: str
    pce: str
    window: Window
    readings: tuple[Reading, ...] = ()
    absent: tuple[date, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    empty: bool = False
    broken: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether each day that it does not hold is one that GRDF does not have: nothing was refused or unreadable."""
        return not self.broken and self.problem() is None

    def problem(self) -> GasError | None:
        """Return the error to raise once the readings are stored, or None.

        :return: what needs a person before what goes away by itself; all windows to ask again in one `PartialAnswer`.
            An answer of which nothing could be read is a `ServiceUnavailable`.
        """
        errors = [
            refusal_error(each.code, each.message, account=self.account, pce=self.pce, window=each.window)
            for each in self.refusals
        ]
        lasting = [error for error in errors if isinstance(error, FailNow)]
        if lasting:
            return lasting[0]
        partial = [error for error in errors if isinstance(error, PartialAnswer)]
        if partial:
            partial[0].windows = tuple(
                sorted({window for error in partial for window in (error.windows or (self.window,))})
            )
            return partial[0]
        rest = [error for error in errors if error is not None]
        if rest:
            return rest[0]
        if self.broken and not (self.readings or self.absent):
            tag = meter_tag(self.account, self.pce)
            cause = f"meter {tag}: nothing in GRDF's answer for {self.window} could be read ({self.broken[0]})"
            return ServiceUnavailable.about(self.account, cause)
        return None


def read_answer(text: str | bytes, *, account: str, pce: str, window: Window) -> Answer:
    """Read an answer of `donnees_consos_informatives`.

    :param text: the body as received.
    :param account: account id, for messages.
    :param pce: the meter that was asked; lines of another one are left out.
    :param window: the gas days that were asked; others are left out.
    :return: readings, absences, refusals and counts. Never raises for anything GRDF may send.
    """
    found = scan(text)
    sorter = _Sorter(account, pce, window)
    sorter.broken.extend(found.broken)
    for line in found.objects:
        sorter.take(line)
    return sorter.answer(len(found.objects) + len(found.broken))


class _Sorter:
    """Collects the lines of one answer."""

    def __init__(self, account: str, pce: str, window: Window) -> None:
        self.account = account
        self.pce = pce
        self.window = window
        self.best: dict[date, Reading] = {}
        self.absent: set[date] = set()
        self.refusals: list[Refusal] = []
        self.broken: list[str] = []
        self.counts = dict.fromkeys(COUNTED, 0)

    def take(self, line: dict[str, Any]) -> None:
        code, message = status_of(line)
        use = line.get("consommation")
        if not is_about(line, self.pce):
            self.counts["foreign"] += 1
        elif (code and not is_fine(code, message)) or (message and not code and not use):
            if len(self.refusals) < MOST_REFUSALS:
                self.refusals.append(Refusal(code, message, window_in(line, self.window)))
            self.counts["refused"] += 1
        elif code and not use:
            self.counts["status"] += 1
        elif use is None and "pce" in line:
            self.counts["absent"] += 1
        elif not isinstance(use, dict):
            self._break("a line without consumption")
        elif not _is_daily(use):
            self.counts["foreign"] += 1
        else:
            self._use(use)

    def answer(self, lines: int) -> Answer:
        self.counts["lines"] = lines
        self.counts["broken"] = len(self.broken)
        self.counts["readings"] = len(self.best)
        return Answer(
            account=self.account,
            pce=self.pce,
            window=self.window,
            readings=tuple(self.best[day] for day in sorted(self.best)),
            absent=tuple(sorted(self.absent - self.best.keys())),
            refusals=tuple(self.refusals),
            counts=self.counts,
            empty=lines == self.counts["status"],
            broken=tuple(self.broken),
        )

    def _use(self, use: dict[str, Any]) -> None:
        day = _day_of(use)
        energy = use.get("energie")
        if day is None:
            self._break("a line without a gas day")
        elif day not in self.window:
            self.counts["outside"] += 1
        elif energy is None or fold(use.get("type_qualif_conso")).startswith("absence"):
            self.counts["absent"] += 1
            self.absent.add(day)
        elif (load := number_in(energy)) is None or load > HIGHEST_LOAD:
            self._break(f"gas day {day}: an energy that is no number of kWh")
        else:
            self._keep(_reading(day, load, use))

    def _keep(self, new: Reading) -> None:
        old = self.best.get(new.day)
        if old is not None:
            self.counts["duplicate"] += 1
            if old.status == "definitive" and new.status != "definitive":
                return
        self.best[new.day] = new

    def _break(self, why: str) -> None:
        self.broken.append(why)


def _is_daily(use: dict[str, Any]) -> bool:
    kind = fold(use.get("type_conso"))
    return not fold(use.get("sens_flux_gaz")).startswith("prod") and (
        not kind or kind.startswith("informative journalier")
    )


def _reading(day: date, load: int | float, use: dict[str, Any]) -> Reading:
    volume, coefficient = float_in(use.get("volume_brut")), coefficient_in(use)
    return Reading(day, load, status_in(use), quality_in(use), volume=volume, coefficient=coefficient)


def _day_of(use: dict[str, Any]) -> date | None:
    label = day_in(use.get("journee_gaziere"))
    if label is not None:
        return label
    start = use.get("date_debut_consommation")
    if not isinstance(start, str):
        return None
    if "T" not in start and " " not in start.strip():
        return day_in(start)  # a bare date is the label itself
    try:
        instant = datetime.fromisoformat(start.strip())
        return gas_day_of(instant if instant.tzinfo else instant.replace(tzinfo=PARIS))
    except (ValueError, OverflowError):
        return None
