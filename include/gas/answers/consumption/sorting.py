"""Sorts the lines of an answer. The code is the same for gas days and published periods.

A bad line never makes us lose the good ones and never goes unnoticed: every line is counted exactly once. The rules
that differ are in a :class:`Kind`, one in ``daily`` and one in ``published``. Sources: GRDF's v2 API description and
reports of its clients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from include.gas.answers.fields import is_about, number_in, window_in
from include.gas.answers.refusals import is_fine, refusal_error, status_of
from include.gas.answers.scan import scan
from include.gas.answers.words import fold
from include.gas.days.windows import Window
from include.gas.errors import FailNow, GasError, PartialAnswer, ServiceUnavailable
from include.gas.meter_tag import meter_tag

Line = dict[str, Any]
"""A JSON object from an answer, or an object inside it."""

Row = TypeVar("Row")
"""The type that a good line is turned into."""

Span = TypeVar("Span")
"""The type of the time that a line is about: a day or a window."""

MOST_REFUSALS = 10_000
"""Number of refusals that are kept; further ones are only counted. GRDF may refuse three years of days one by one."""

HIGHEST_LOAD = 10_000_000
"""kWh per day. No meter with daily data consumes nearly as much, so a line with more is broken."""

LEFT_OUT = ("foreign", "outside", "broken")
"""The counts of lines that are worth reporting to GRDF."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line in which GRDF refuses data.

    :param code: GRDF's code; ``""`` when the line has only a message
    :param message: GRDF's message as received; redact it before you show it
    :param window: the days that the line is about; ``None`` when it does not say
    """

    code: str
    message: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """A sorted answer.

    :param window: the requested days
    :param rows: the lines with a usable energy, by time: one per gas day, or one per first day of a period
    :param absent: gas days, or first days of periods, for which GRDF says that it has no data (yet), in order
    :param refusals: the refusals in the order of the answer
    :param counts: number of lines by name, see :attr:`Kind.counted`
    :param broken: where and why lines could not be read, without quoting them
    """

    account: str
    pce: str
    window: Window
    rows: tuple[Row, ...] = ()
    absent: tuple[date, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was refused or unreadable, so that GRDF has no data for the days that are not in the rows."""
        return not self.broken and self.problem() is None

    @property
    def left_out(self) -> dict[str, int]:
        """Number of lines left out, by reason. Reasons without lines are not listed."""
        return {name: self.counts[name] for name in LEFT_OUT if self.counts.get(name)}

    def problem(self) -> GasError | None:
        """Return the error to raise after the rows are stored.

        An error that needs a person comes before one that goes away by itself. All windows to ask for again are in one
        ``PartialAnswer``. If nothing in the answer could be read, the error is a ``ServiceUnavailable``.

        :return: ``None`` if nothing is wrong
        """
        errors = [
            refusal_error(each.code, each.message, account=self.account, pce=self.pce, window=each.window)
            for each in self.refusals
        ]
        found = sorted((error for error in errors if error), key=_passes)
        if found and isinstance(first := found[0], PartialAnswer):
            windows = (error.windows or (self.window,) for error in found if isinstance(error, PartialAnswer))
            first.windows = tuple(sorted({window for each in windows for window in each}))
        if found:
            return found[0]
        if self.broken and not (self.rows or self.absent):
            tag = meter_tag(self.account, self.pce)
            cause = f"meter {tag}: GRDF's answer for {self.window} could not be read ({self.broken[0]})"
            return ServiceUnavailable.about(self.account, cause)
        return None


def _passes(error: GasError) -> int:
    """Return how likely an error goes away by itself."""
    return 0 if isinstance(error, FailNow) else 1 if isinstance(error, PartialAnswer) else 2


@dataclass(frozen=True, slots=True)
class Kind(Generic[Row, Span]):
    """The rules for one kind of line.

    :param rows: name of the rows among the counts
    :param type_conso: start of the ``type_conso`` of these lines, folded; lines without a ``type_conso`` belong too
    :param missing: what a line lacks when it has no span, in words
    :param span: returns the time that a line is about, given the line and its ``consommation``; ``None`` when the line
        does not say
    :param first: returns the first gas day of a span; one row is kept per first gas day
    :param is_asked: returns whether a span belongs to the requested days
    :param days: returns the number of gas days in a span
    :param name: returns a span in words, for messages
    :param row: builds a row from a span, the energy in kWh, the line and its ``consommation``
    :param replaces: returns whether a row (first argument) replaces an earlier one with the same first gas day
    """

    rows: str
    type_conso: str
    missing: str
    span: Callable[[Line, Line], Span | None]
    first: Callable[[Span], date]
    is_asked: Callable[[Span, Window], bool]
    days: Callable[[Span], int]
    name: Callable[[Span], str]
    row: Callable[[Span, int | float, Line, Line], Row]
    replaces: Callable[[Row, Row], bool]

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of an answer's counts. The first count is the sum of the others, since each line is counted once."""
        return ("lines", self.rows, "absent", "duplicate", "foreign", "outside", "broken", "refused", "status")


def sort_answer(
    kind: Kind[Row, Span], text: str | bytes, *, account: str, pce: str, window: Window, latest: date | None = None
) -> Answer[Row]:
    """Sort the lines of an answer. Never raise, whatever GRDF sent.

    :param kind: the rules to sort by
    :param pce: the requested meter; lines about other meters are left out
    :param window: the requested gas days; lines about other days are left out
    :param latest: the last possible end of a span; a line with a later one counts as unreadable. ``None`` for no limit
    """
    found = scan(text)
    sorter = _Sorter(kind, pce, window, latest)
    sorter.broken.extend(found.broken)
    for line in found.objects:
        sorter.take(line)
    counts = sorter.counts | {
        "lines": len(found.objects) + len(found.broken),
        kind.rows: len(sorter.best),
        "broken": len(sorter.broken),
    }
    return Answer(
        account,
        pce,
        window,
        rows=tuple(sorter.best[day] for day in sorted(sorter.best)),
        absent=tuple(sorted(sorter.absent - sorter.best.keys())),
        refusals=tuple(sorter.refusals),
        counts=counts,
        broken=tuple(sorter.broken),
    )


class _Sorter(Generic[Row, Span]):
    """Collects the lines of one answer."""

    def __init__(self, kind: Kind[Row, Span], pce: str, window: Window, latest: date | None) -> None:
        self.kind = kind
        self.pce = pce
        self.window = window
        self.latest = latest or date.max
        self.best: dict[date, Row] = {}
        self.absent: set[date] = set()
        self.refusals: list[Refusal] = []
        self.broken: list[str] = []
        self.counts = dict.fromkeys(kind.counted, 0)

    def take(self, line: Line) -> None:
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
            self.broken.append("a line without consumption")
        elif not self._is_of_kind(use):
            self.counts["foreign"] += 1
        else:
            self._use(line, use)

    def _is_of_kind(self, use: Line) -> bool:
        name = fold(use.get("type_conso"))
        return not fold(use.get("sens_flux_gaz")).startswith("prod") and (
            not name or name.startswith(self.kind.type_conso)
        )

    def _use(self, line: Line, use: Line) -> None:
        span = self.kind.span(line, use)
        energy = use.get("energie")
        if span is None:
            self.broken.append(f"a line without {self.kind.missing}")
        elif not self.kind.is_asked(span, self.window):
            self.counts["outside"] += 1
        elif self.kind.days(span) > (self.latest - self.kind.first(span)).days:
            self.broken.append(f"{self.kind.name(span)}: it ends in the future")
        elif energy is None or fold(use.get("type_qualif_conso")).startswith("absence"):
            self.counts["absent"] += 1
            self.absent.add(self.kind.first(span))
        elif (load := number_in(energy)) is None or load > HIGHEST_LOAD * self.kind.days(span):
            self.broken.append(f"{self.kind.name(span)}: an energy that is not a number of kWh")
        else:
            self._keep(self.kind.first(span), self.kind.row(span, load, line, use))

    def _keep(self, first: date, new: Row) -> None:
        old = self.best.get(first)
        if old is not None:
            self.counts["duplicate"] += 1
            if not self.kind.replaces(new, old):
                return
        self.best[first] = new
