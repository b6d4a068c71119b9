"""Sorts the lines of an answer. A bad line never loses the good ones: each is counted exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from include.gas.answers.drift import find_drift
from include.gas.answers.fields import is_about_meter, number_in
from include.gas.answers.french_words import fold
from include.gas.answers.json_objects import find_objects
from include.gas.answers.refusals import is_success, refusal_error, status_of
from include.gas.days.windows import Window
from include.gas.errors import FailNow, GasError, ServiceUnavailable
from include.gas.meter_tag import meter_tag

Line = dict[str, Any]

Row = TypeVar("Row")

HIGHEST_LOAD = 10_000_000
"""kWh per day. A line with more is broken."""

MOST_DRIFT = 20
LEFT_OUT = ("foreign", "outside", "broken")
"""Counts of lines worth reporting to GRDF."""


@dataclass(frozen=True, slots=True)
class SortedAnswer(Generic[Row]):
    """A sorted answer: ``rows`` with a usable energy by time, days or periods ``absent`` at GRDF, and ``counts``.

    :param drift: what is new in its lines
    """

    account: str
    pce: str
    window: Window
    rows: tuple[Row, ...] = ()
    absent: tuple[date, ...] = ()
    refusals: tuple[GasError, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing was refused or unreadable, so that GRDF has no data for the other days."""
        return not self.broken and self.error_to_raise() is None

    @property
    def left_out(self) -> dict[str, int]:
        """Number of lines left out, by reason."""
        return {name: self.counts[name] for name in LEFT_OUT if self.counts.get(name)}

    def error_to_raise(self) -> GasError | None:
        """Return the error to raise after the rows are stored, one that needs a person first."""
        if self.refusals:
            return min(self.refusals, key=lambda error: not isinstance(error, FailNow))
        if self.broken and not (self.rows or self.absent):
            tag = meter_tag(self.account, self.pce)
            cause = f"meter {tag}: GRDF's answer for {self.window} could not be read ({self.broken[0]})"
            return ServiceUnavailable.about(self.account, cause)
        return None


@dataclass(frozen=True, slots=True)
class RowKind(Generic[Row]):
    """The rules for one kind of line.

    :param rows: name of the rows among the counts
    :param type_conso: start of their ``type_conso``, folded; a line without one belongs too
    :param use: returns a line's ``consommation``, or what it has in its place
    :param span: returns the gas days of a line and its ``consommation``, if it has any
    :param replaces: whether a row replaces an earlier one with the same first gas day
    """

    rows: str
    type_conso: str
    noun: str
    span: Callable[[Line, Line], Window | None]
    row: Callable[[Window, int | float, Line, Line], Row]
    replaces: Callable[[Row, Row], bool]
    use: Callable[[Line], object] = lambda line: line.get("consommation")

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of the counts. The first is the sum of the others."""
        return ("lines", self.rows, "absent", "duplicate", "foreign", "outside", "broken", "refused", "status")


def sort_answer(
    kind: RowKind[Row], text: str | bytes, *, account: str, pce: str, window: Window, latest: date = date.max
) -> SortedAnswer[Row]:
    """Sort the lines of an answer and never raise. A span that ends after ``latest`` is unreadable."""
    found = find_objects(text)
    sorter = _Sorter(kind, account, pce, window, latest)
    counts = dict.fromkeys(kind.counted, 0) | {
        "lines": len(found.objects) + len(found.broken),
        "broken": len(found.broken),
    }
    for line in found.objects:
        counts[sorter.sort_line(line)] += 1
    return SortedAnswer(
        account,
        pce,
        window,
        rows=tuple(sorter.best[day] for day in sorted(sorter.best)),
        absent=tuple(sorted(sorter.absent - sorter.best.keys())),
        refusals=tuple(sorter.refusals),
        counts=counts,
        broken=(*found.broken, *sorter.broken),
        drift=tuple(sorted(sorter.drift)[:MOST_DRIFT]),
    )


class _Sorter(Generic[Row]):
    def __init__(self, kind: RowKind[Row], account: str, pce: str, window: Window, latest: date) -> None:
        self.kind, self.account, self.pce, self.window, self.latest = kind, account, pce, window, latest
        self.best: dict[date, Row] = {}
        self.absent: set[date] = set()
        self.refusals: list[GasError] = []
        self.broken: list[str] = []
        self.drift: set[str] = set()

    def sort_line(self, line: Line) -> str:
        """Keep what a line contains, and return the name of its count."""
        code, message = status_of(line)
        use = self.kind.use(line)
        if not is_about_meter(line, self.pce):
            return "foreign"
        self.drift.update(find_drift(line))
        if (code and not is_success(code, message)) or (message and not code and not use):
            refusal = refusal_error(code, message, account=self.account, pce=self.pce)
            self.refusals += [refusal] if refusal else []
            return "refused"
        if code and not use:
            return "status"
        if use is None and "pce" in line:
            return "absent"
        if not isinstance(use, dict):
            return self._broken("a line without consumption")
        return self._use(line, use) if self._is_of_kind(use) else "foreign"

    def _is_of_kind(self, use: Line) -> bool:
        name = fold(use.get("type_conso"))
        return not fold(use.get("sens_flux_gaz")).startswith("prod") and (
            not name or name.startswith(self.kind.type_conso)
        )

    def _use(self, line: Line, use: Line) -> str:
        span, energy = self.kind.span(line, use), use.get("energie")
        if span is None:
            return self._broken(f"a line without a {self.kind.noun}")
        if not span.count_common_days(self.window):
            return "outside"
        if span.end > self.latest:
            return self._broken(f"{self.kind.noun} {span}: it ends in the future")
        if energy is None or fold(use.get("type_qualif_conso")).startswith("absence"):
            self.absent.add(span.first)
            return "absent"
        if (load := number_in(energy)) is None or load > HIGHEST_LOAD * len(span):
            return self._broken(f"{self.kind.noun} {span}: an energy that is not a number of kWh")
        new, old = self.kind.row(span, load, line, use), self.best.get(span.first)
        if old is None or self.kind.replaces(new, old):
            self.best[span.first] = new
        return self.kind.rows if old is None else "duplicate"

    def _broken(self, why: str) -> str:
        self.broken.append(why)
        return "broken"
