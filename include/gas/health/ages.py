"""How old the newest gas day of an account is: the age is that of the meter that lags most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.facts import may_be_daily
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.stored import told_years
from include.gas.account.sections.whole_history import HistoryRead
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.windows import Window
from include.gas.errors import BadAccount

LATELY = timedelta(days=30)
"""How long a meter is watched that gave days and is noted as one that cannot be daily: the note may be wrong, or GRDF
has just stopped. In a small fleet one meter that was exchanged makes the check red for so long."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a meter is.

    :param start: the day from which its age counts: its newest gas day, or since when it could have been read if that
        is later
    :param last: its newest gas day; ``None`` if it has none
    :param no_daily: whether the meter is noted as one that cannot be daily
    """

    start: date
    last: date | None
    no_daily: bool = False


def since_of(document: Mapping[str, Any], today: date) -> date | None:
    """Return the day on which the household's newest right came; ``None`` if nothing on the account says so.

    cozy-stack notes no moment. Such an account has one from its first run on.

    :param today: civil date in Paris
    """
    own = [day for meter in _meters(document) for day in _of_meter(document, meter, today)]
    return _newest([*_of_account(document), *_of_declaration(document), *own], today)


def lag_of(document: Mapping[str, Any], today: date) -> Lag | None:
    """Return how far behind the meter is that lags most; ``None`` if no gas day is expected or nothing is known.

    Meters that cannot be daily do not count unless they gave days lately, nor those that are not read because their
    right is gone.

    :param today: civil date in Paris
    """
    lags = []
    for pce, start, last, begun in _starts(document, today):
        if start is not None:
            lags.append(Lag(max(start, min(begun, today)), last, not may_be_daily(document, pce)))
    return min(lags, key=lambda lag: (lag.start, lag.last or date.min), default=None)


def gives_days(document: Mapping[str, Any], today: date) -> bool:
    """Return whether gas days are expected of any meter: it may be daily, or gave days lately.

    :param today: civil date in Paris
    """
    return any(_is_daily(document, meter.pce, today) for meter in _meters(document))


def _is_daily(document: Mapping[str, Any], pce: str, today: date) -> bool:
    if may_be_daily(document, pce):
        return True
    last = _last(document, pce, today)
    return last is not None and today - last < LATELY


def _last(document: Mapping[str, Any], pce: str, today: date) -> date | None:
    return _newest((year.last for year in told_years(document, pce).values()), today)


def _starts(document: Mapping[str, Any], today: date) -> Iterator[tuple[str, date | None, date | None, date]]:
    """Yield each meter that should be read, with the start of its age, its newest day, and when its rights begin.

    The start is ``None`` if the document does not say it. An account without meters counts as one.
    """
    account = _account(document)
    if account is None:
        return
    whole = list(_of_account(document))
    if not account.meters:
        yield "", _newest([*whole, *_of_declaration(document)], today), None, date.min
    for meter in account.meters:
        if not _is_daily(document, meter.pce, today) or (meter.lost and not account.reconnected):
            continue
        last = _last(document, meter.pce, today)
        declared = _of_declaration(document, meter.pce)
        if begun := begun_on(meter, today):
            start = _newest([last, *_of_meter(document, meter, today), *declared, *whole], today)
            yield meter.pce, start, last, begun


def begun_on(meter: Consent, today: date) -> date | None:
    """Return the first day of the rights to a meter whose days are due today; ``None`` if the next begin later.

    :param today: civil date in Paris
    """
    parts = meter.covered(Window(date.min, date.max))
    begun = [part for part in parts if part.first < today]
    if len(parts) > len(begun) and (not begun or begun[-1].end < today):
        return None
    return begun[-1].first if begun else date.min


def begins_later(document: Mapping[str, Any], today: date) -> bool:
    """Return whether no meter's data have begun: a right may be given for days that are still to come.

    :param today: civil date in Paris
    """
    read = [meter for meter in _meters(document) if _is_daily(document, meter.pce, today) and not meter.lost]
    return bool(read) and all(begun_on(meter, today) is None for meter in read)


def _of_account(document: Mapping[str, Any]) -> Iterator[date | None]:
    yield _day(Connected.moment(document))


def _of_declaration(document: Mapping[str, Any], pce: str = "") -> Iterator[date | None]:
    """Yield the days of the declaration if it is of a meter, or of any if none is given."""
    declaration = Declaration.of(document)
    if declaration is None or (pce and declaration.pce not in ("", pce)):
        return
    yield _day(declaration.entered_at)
    yield _day(declaration.declared)
    yield _day(declaration.answered)


def _of_meter(document: Mapping[str, Any], meter: Consent, today: date) -> Iterator[date | None]:
    """Yield when the right to a meter was brought, or else when its history was read."""
    noted = HistoryRead.of(document, meter.pce)
    brought = _newest([_day(meter.brought)], today)
    yield brought or _day(noted.read_at if noted else "")


def _meters(document: Mapping[str, Any]) -> tuple[Consent, ...]:
    account = _account(document)
    return account.meters if account else ()


def _account(document: Mapping[str, Any]) -> Account | None:
    try:
        return Account.from_document(document)
    except BadAccount:
        return None


def _newest(days: Iterable[date | None], today: date) -> date | None:
    """Return the newest of some days; ``None`` if there is none.

    A day later than tomorrow was written by a clock that was ahead. It counts as unknown: taken for today, it would
    keep the account young until it is over.
    """
    return max((day for day in days if day is not None and day <= today + ONE_DAY), default=None)


def _day(text: object) -> date | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return paris_today(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # the latter for the first and the last day that there are
        return None
