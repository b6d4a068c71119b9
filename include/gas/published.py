"""Published data (`donnees_consos_publiees`): what GRDF billed, one period per line, as a second source for the past.

A period is a month for most meters (`1M`, `MM`), half a year for `6M`, a day for `JJ`. The figures are five years deep
where daily data are three. They are kept beside the gas days and compared with them, never put in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.days import ONE_DAY, PARIS, gas_day_of, utc_text
from include.gas.documents import CHANGES_KEPT, Document, is_stale, says_the_same
from include.gas.errors import GasError
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
from include.gas.lines import HIGHEST_LOAD, MOST_REFUSALS, Answer, Refusal
from include.gas.refusals import is_fine, status_of
from include.gas.scan import scan
from include.gas.windows import Window, oldest_allowed
from include.gas.words import day_in, fold, text_of

DEPTH_YEARS = 5
"""How far back ADICT serves published data."""

REREAD = timedelta(days=62)
"""How long before the newest stored period to read again: a late or corrected publication is seen within two months."""

COUNTED = ("lines", "periods", "absent", "duplicate", "foreign", "outside", "broken", "refused", "status")
"""The counts of an answer. The first is the sum of the others: every line is counted once."""

_COMPARED = ("load", "end", "status", "quality", "coefficient", "reason")


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period.

    :param first: first gas day.
    :param end: gas day after the last one, excluded.
    :param load: energy in kWh. On monthly rows it is the whole m³ between two indexes, times the coefficient.
    :param coefficient: kWh per m³, or None.
    :param volume: m³, or None.
    :param reason: why the meter was read at the end (`raison_releve`, such as `RNO`, the usual one), or "".
    :param status: whether GRDF may still change it.
    :param quality: how GRDF came by it.
    """

    first: date
    end: date
    load: int | float
    coefficient: float | None = None
    volume: float | None = None
    reason: str = ""
    status: Status = "definitive"
    quality: Quality = "measured"

    def __len__(self) -> int:
        """Count the gas days."""
        return (self.end - self.first).days


@dataclass(frozen=True, slots=True)
class PublishedAnswer:
    """A whole answer, sorted.

    :param account: account id, for messages.
    :param pce: the meter that was asked.
    :param window: the days that were asked.
    :param periods: one per first day, in order.
    :param absent: first days of periods that GRDF says it has nothing for.
    :param refusals: in the order of the answer.
    :param counts: how many lines of which kind, keys as in `COUNTED`.
    :param broken: where and why lines could not be read, without quoting them.
    """

    account: str
    pce: str
    window: Window
    periods: tuple[Period, ...] = ()
    absent: tuple[date, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    def problem(self) -> GasError | None:
        """Return the error to raise once the periods are stored, or None; judged as an answer of daily data is."""
        understood = (*(period.first for period in self.periods), *self.absent)
        return Answer(
            self.account, self.pce, self.window, absent=understood, refusals=self.refusals, broken=self.broken
        ).problem()


def published_window(
    *, today: date, newest: Period | None, consent_first: date | None, consent_end: date | None
) -> Window | None:
    """Work out what to ask for in one call: five years at first, then from two months before the newest stored period.

    :param today: civil date in Paris; GRDF refuses an end after it.
    :param newest: the newest stored period, or None when the whole depth is to be read.
    :param consent_first: first day the consent covers, or None for no bound.
    :param consent_end: day from which the consent covers nothing, or None for no bound.
    :return: the days to ask for, or None when nothing can be asked.
    """
    oldest = oldest_allowed(today, DEPTH_YEARS)
    first = oldest if newest is None else max(oldest, newest.first - REREAD)
    window = Window.of(first, today)
    return window.clip(consent_first, consent_end) if window else None


def read_published(text: str | bytes, *, account: str, pce: str, window: Window) -> PublishedAnswer:
    """Read an answer of `donnees_consos_publiees`.

    Of two rows with the same start the one with the latest end counts: beside a month's row, a row of one day without
    data is seen. A row without data never takes the place of one with data.

    :param text: the body as received.
    :param account: account id, for messages.
    :param pce: the meter that was asked; lines of another one are left out.
    :param window: the gas days that were asked; periods that hold none of them are left out.
    :return: periods, absences, refusals and counts. Never raises for anything GRDF may send.
    """
    found = scan(text)
    counts = dict.fromkeys(COUNTED, 0)
    periods: dict[date, Period] = {}
    absent: set[date] = set()
    refusals: list[Refusal] = []
    broken = list(found.broken)
    for line in found.objects:
        code, message = status_of(line)
        use = line.get("consommation")
        if not is_about(line, pce):
            counts["foreign"] += 1
        elif (code and not is_fine(code, message)) or (message and not code and not use):
            if len(refusals) < MOST_REFUSALS:
                refusals.append(Refusal(code, message, window_in(line, window)))
            counts["refused"] += 1
        elif code and not use:
            counts["status"] += 1
        elif use is None and "pce" in line:
            counts["absent"] += 1
        elif not isinstance(use, dict):
            broken.append("a line without consumption")
        elif not _is_published(use):
            counts["foreign"] += 1
        elif (span := _span(line, use)) is None:
            broken.append("a line without a period")
        elif span.clip(window.first, window.end) is None:
            counts["outside"] += 1
        elif use.get("energie") is None or fold(use.get("type_qualif_conso")).startswith("absence"):
            counts["absent"] += 1
            absent.add(span.first)
        elif (load := number_in(use["energie"])) is None or load > HIGHEST_LOAD * len(span):
            broken.append(f"the period of {span}: an energy that is no number of kWh")
        else:
            period = _period(span, load, line, use)
            former = periods.get(period.first)
            counts["duplicate"] += former is not None
            if former is None or period.end >= former.end:
                periods[period.first] = period
    counts |= {"lines": len(found.objects) + len(found.broken), "periods": len(periods), "broken": len(broken)}
    return PublishedAnswer(
        account,
        pce,
        window,
        periods=tuple(periods[first] for first in sorted(periods)),
        absent=tuple(sorted(absent - periods.keys())),
        refusals=tuple(refusals),
        counts=counts,
        broken=tuple(broken),
    )


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Write a period as its document. Its id names its first day, so that a corrected end replaces the former one.

    :param account: account id.
    :param pce: the meter.
    :param period: what ADICT said.
    :param read_at: when ADICT said it: an aware datetime or its ISO text.
    """
    return {
        "_id": f"{account}:{pce}:{period.first.isoformat()}",
        "account": account,
        "pce": pce,
        "load": period.load,
        "first": period.first.isoformat(),
        "end": period.end.isoformat(),
        "year": period.first.year,
        "month": period.first.month,
        "day": period.first.day,
        "hour": 0,
        "minute": 0,
        "days": len(period),
        "coefficient": period.coefficient,
        "volume": period.volume,
        "reason": period.reason,
        "status": period.status,
        "quality": period.quality,
        "read_at": utc_text(read_at),
    }


def period_of(document: Mapping[str, Any]) -> Period:
    """Return the period of a stored document.

    :param document: made by :func:`period_document`.
    """
    return Period(
        date.fromisoformat(document["first"]),
        date.fromisoformat(document["end"]),
        document["load"],
        document.get("coefficient"),
        document.get("volume"),
        document.get("reason", ""),
        document.get("status", "definitive"),
        document.get("quality", "measured"),
    )


def merge_period(stored: Document | None, new: Document, now: datetime | None = None) -> Document | None:
    """Decide what to write for a period: as for a gas day, newer readings win and a changed load is noted.

    :param stored: the stored document with its `_rev`, or None.
    :param new: the document made from the answer.
    :param now: the present, aware; None asks the clock.
    :return: the document to write, or None when the stored one says so already or was read later.
    """
    if stored is None:
        return dict(new)
    if is_stale(stored, new, now) or says_the_same(stored, new, _COMPARED, now):
        return None
    merged = {**stored, **new}
    if (stored.get("load"), stored.get("end")) != (new["load"], new["end"]):
        former = stored.get("changes")
        change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


def newest_period(documents: Iterable[Mapping[str, Any]]) -> Period | None:
    """Return the stored period that starts last, or None.

    :param documents: stored documents of one meter.
    """
    return max((period_of(document) for document in documents), key=lambda period: period.first, default=None)


def _period(span: Window, load: int | float, line: dict[str, Any], use: dict[str, Any]) -> Period:
    taken = line.get("releve_fin")
    reason = text_of(taken.get("raison_releve")) if isinstance(taken, dict) else ""
    volume = float_in(use.get("volume_brut"))
    return Period(span.first, span.end, load, coefficient_in(use), volume, reason[:20], status_in(use), quality_in(use))


def _is_published(use: dict[str, Any]) -> bool:
    kind = fold(use.get("type_conso"))
    return not fold(use.get("sens_flux_gaz")).startswith("prod") and (not kind or kind.startswith("publi"))


def _span(line: dict[str, Any], use: dict[str, Any]) -> Window | None:
    bounds: list[date] = []
    for name, taken in (("date_debut_consommation", "releve_debut"), ("date_fin_consommation", "releve_fin")):
        bound = _bound(use.get(name))
        reading = line.get(taken)
        if bound is None and isinstance(reading, dict):
            bound = _bound(reading.get("date_releve"))
        if bound is None:
            return None
        bounds.append(bound)
    return Window.of(*bounds)


def _bound(value: object) -> date | None:
    """Return the gas day that starts nearest to an instant: bounds are at 06:00, in Paris, if the offset is right."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if "T" not in text and " " not in text:
        return day_in(text)
    try:
        instant = datetime.fromisoformat(text)
        return gas_day_of((instant if instant.tzinfo else instant.replace(tzinfo=PARIS)) + ONE_DAY / 2)
    except (ValueError, OverflowError):
        return None
