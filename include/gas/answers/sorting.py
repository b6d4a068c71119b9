"""Sorting the lines of an answer: what is the same for gas days and published periods.

One bad line never loses the good ones, and never passes silently: every line is counted once. What sets the two kinds
of lines apart is a :class:`Kind`, in ``daily`` and ``published``. Facts: GRDF's v2 API description, clients' reports.
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
"""An object of an answer, or of such an object."""

Row = TypeVar("Row")
"""What a line becomes."""

Span = TypeVar("Span")
"""The time that a line is about."""

MOST_REFUSALS = 10_000
"""Refusals that are looked at one by one; more are counted. Each day of three years may be refused on its own."""

HIGHEST_LOAD = 10_000_000
"""kWh a day; no meter with daily data burns near as much, so anything above is a broken line."""

LEFT_OUT = ("foreign", "outside", "broken")
"""The counts of lines that a person may want to tell GRDF about."""


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
class Answer(Generic[Row]):
    """A whole answer, sorted.

    :param account: account id, for messages.
    :param pce: the meter that was asked.
    :param window: the days that were asked.
    :param rows: the lines with a usable energy, in order: one per gas day, or one per first day of a period.
    :param absent: gas days, or first days of periods, that GRDF says it has nothing for (yet), in order.
    :param refusals: in the order of the answer.
    :param counts: how many lines of which kind, see :meth:`Kind.counted`.
    :param broken: where and why lines could not be read, without quoting them.
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
        """Whether each day that it does not hold is one that GRDF does not have: nothing was refused or unreadable."""
        return not self.broken and self.problem() is None

    @property
    def left_out(self) -> dict[str, int]:
        """How many lines were left out, by why; empty when none was."""
        return {name: self.counts[name] for name in LEFT_OUT if self.counts.get(name)}

    def problem(self) -> GasError | None:
        """Return the error to raise once the rows are stored, or None.

        :return: what needs a person before what goes away by itself; all windows to ask again in one ``PartialAnswer``.
            An answer of which nothing could be read is a ``ServiceUnavailable``.
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
        if self.broken and not (self.rows or self.absent):
            tag = meter_tag(self.account, self.pce)
            cause = f"meter {tag}: GRDF's answer for {self.window} could not be read ({self.broken[0]})"
            return ServiceUnavailable.about(self.account, cause)
        return None


@dataclass(frozen=True, slots=True)
class Kind(Generic[Row, Span]):
    """One kind of lines: which they are, what time each is about, and which of two about the same time counts.

    :param rows: what rows are called among the counts.
    :param type_conso: how the ``type_conso`` of these lines begins, folded; a line without any counts as one of them.
    :param missing: what a line whose span cannot be told is without, in words.
    :param span: the time that a line is about, from the line and its ``consommation``; None when it does not say.
    :param first: the first gas day of a span: of two lines with the same one counts.
    :param is_asked: whether a span belongs to the days that were asked.
    :param days: how many gas days a span has.
    :param name: a span in words, for messages.
    :param row: a row from its span, its energy in kWh, its line and the line's ``consommation``.
    :param replaces: whether a row (the first argument) takes the place of one before it with the same first day.
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
        """The counts of an answer. The first is the sum of the others: every line is counted once."""
        return ("lines", self.rows, "absent", "duplicate", "foreign", "outside", "broken", "refused", "status")


def sort_answer(kind: Kind[Row, Span], text: str | bytes, *, account: str, pce: str, window: Window) -> Answer[Row]:
    """Read an answer of one kind of lines.

    :param kind: the kind.
    :param text: the body as received.
    :param account: account id, for messages.
    :param pce: the meter that was asked; lines of another one are left out.
    :param window: the gas days that were asked; others are left out.
    :return: rows, absences, refusals and counts. Never raises for anything GRDF may send.
    """
    found = scan(text)
    sorter = _Sorter(kind, pce, window)
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

    def __init__(self, kind: Kind[Row, Span], pce: str, window: Window) -> None:
        self.kind = kind
        self.pce = pce
        self.window = window
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
