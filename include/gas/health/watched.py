"""What the daily check of health keeps of an account: its summary, and since when it could have been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from include.gas.account.sections.lost_days import lost_years
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.rights.list_seen import ListMissed
from include.gas.account.sections.rights.proofs import Proof
from include.gas.consents.consent import ENDS_SOON
from include.gas.days.gas_day import ONE_DAY
from include.gas.display.overview import BEYOND, Overview, Situation, odd_overview, overview
from include.gas.health.ages import Lag, begins_later, gives_days, lag_of, since_of

NONE_DAYS = timedelta(days=60)
"""How far back days that GRDF does not have are counted. Older ones are known, and nothing can be done about them."""

_UNREAD = frozenset((
    Situation.LEAVING, Situation.ODD, Situation.ASKED, Situation.CORRECT, Situation.CONNECT, Situation.NO_DAILY,
))  # fmt: skip
"""Situations in which no gas day is expected: something else has to happen first."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One account of the fleet, without meter numbers and consumption.

    :param overview: the summary that the page shows, too
    :param situation: the most important thing about it today
    :param since: day from which it could have been read; ``None`` if its document does not say it, as cozy-stack's
    :param age: days since the newest gas day of its meter that lags most, or since that could have been read if that is
        later; ``None`` if no gas day is expected or nothing is known
    :param lag: how far behind that meter is; ``None`` as for ``age``
    :param unread: whether no gas day is expected of it, because something else has to happen first
    :param later: whether the data of its rights begin on a later day
    :param is_new: whether it was connected yesterday or later
    :param none_days: gas days of the last 60 that GRDF does not have, of all its meters
    :param lost_years: years of which CouchDB has lost days that it has not got back, of all its meters
    :param braked: whether GRDF's list had no consent for it and was not believed
    :param proofs: how many proofs of consent GRDF waits for
    :param ends_soon: whether its last consent ends within ``ENDS_SOON``
    """

    overview: Overview
    situation: Situation
    since: date | None
    age: int | None
    lag: Lag | None
    unread: bool
    later: bool
    is_new: bool
    none_days: int
    lost_years: tuple[int, ...]
    braked: bool
    proofs: int
    ends_soon: bool

    @property
    def id(self) -> str:
        """The account's id."""
        return self.overview.id

    @property
    def is_read(self) -> bool:
        """Whether gas days are expected of it."""
        return not self.unread and not self.later

    @property
    def never_read(self) -> bool:
        """Whether it should be read and GRDF was never asked, as far as its document says."""
        return self.is_read and not self.overview.asked and self.overview.last is None


def watched(document: Mapping[str, Any], today: date) -> Watched:
    """Return what the check of health keeps of an account. It never raises: one account must not hide the others.

    :param document: an account document of any shape
    :param today: civil date in Paris
    """
    try:
        return _watched(document, overview(document), today)
    except (ValueError, OverflowError):
        return _watched({"_id": document.get("_id")}, odd_overview(document, BEYOND), today)


def _watched(document: Mapping[str, Any], seen: Overview, today: date) -> Watched:
    situation = seen.situation(today)
    unread = situation in _UNREAD and not (situation == Situation.NO_DAILY and gives_days(document, today))
    since = since_of(document, today)
    lag = lag_of(document, today) if not unread else None
    later = begins_later(document, today)
    until = seen.consents_until
    return Watched(
        seen,
        situation,
        since,
        max(0, (today - lag.start).days) if lag else None,
        lag,
        unread,
        later,
        since is not None and since >= today - ONE_DAY,
        sum(_recent(document, pce, today) for pce in seen.meters),
        tuple(sorted({year for pce in seen.meters for year in lost_years(document, pce)})),
        bool(ListMissed.of(document)) and situation != Situation.LEAVING,
        sum(proof.is_due for proof in Proof.all_of(document).values()),
        not unread and until is not None and today <= until <= today + ENDS_SOON,
    )


def _recent(document: Mapping[str, Any], pce: str, today: date) -> int:
    """Return how many of the last days of a meter GRDF does not have."""
    first = today - NONE_DAYS
    runs = (run for gap in known_gaps(document, pce).values() for run in gap.none_days)
    return sum(max(0, (min(run.end, today) - max(run.first, first)) // ONE_DAY) for run in runs)
