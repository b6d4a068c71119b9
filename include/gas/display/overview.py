"""How an account is, in one line: what a list of all accounts says of each, from its document alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.facts import may_be_daily
from include.gas.account.sections.lost_days import lost_years
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.stored import told_years
from include.gas.account.sections.whole_history import history_read
from include.gas.account.state import state_since
from include.gas.errors import VENDOR_DOWN, BadAccount
from include.gas.rights.own_rights import WAITS

LATE = timedelta(days=7)
"""A newest day older than this is late: rows come from D+1 to D+3, and runs start on D+2 in the morning."""

ENDS_SOON = timedelta(days=30)
"""How long before the end of a consent its household is told, unless the installation says otherwise."""


class Situation(StrEnum):
    """What there is to say of an account first; the most urgent comes first."""

    LEAVING = "leaving"
    ODD = "odd"
    CONNECT = "connect"
    PARTLY = "partly"
    VENDOR = "vendor"
    NEW = "new"
    NOTHING = "nothing"
    NO_DAILY = "no_daily"
    LATE = "late"
    ENDING = "ending"
    GAPS = "gaps"
    HOLES = "holes"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Overview:
    """What an account document says, without anything secret and without the present date.

    :param id: account id
    :param meters: its meters, in order
    :param state: Cozy's word for what is wrong, or None
    :param message: the sentence that goes with it
    :param since: when that was noticed, UTC text, or ""
    :param asks: whether nothing is read until the household acts
    :param pending: whether a consent waits for the run that takes it
    :param partial: whether the state is about some of its meters only
    :param leaving: whether a deletion is under way
    :param odd: why the document cannot be understood, or ""
    :param first: first stored gas day of any meter, or None
    :param last: the day up to which every meter that has days is stored; None when no day is stored
    :param days: stored days of all meters
    :param provisional: how many of them GRDF may still change
    :param corrected: how many of them were corrected
    :param awaited: missing days that may still come
    :param none: missing days that GRDF has none for
    :param asked: whether GRDF has been asked for days of any meter, be it in vain
    :param consent_until: last day on which the first of its consents to end is of use, None when none ends
    :param consents_until: the same for the last of them; None when one of them does not end
    :param daily: whether any meter may give daily data
    :param lost: whether fewer days of a meter are stored than there were
    """

    id: str
    meters: tuple[str, ...] = ()
    state: str | None = None
    message: str = ""
    since: str = ""
    asks: bool = False
    pending: bool = False
    partial: bool = False
    leaving: bool = False
    odd: str = ""
    first: date | None = None
    last: date | None = None
    days: int = 0
    provisional: int = 0
    corrected: int = 0
    awaited: int = 0
    none: int = 0
    asked: bool = False
    consent_until: date | None = None
    consents_until: date | None = None
    daily: bool = True
    lost: bool = False

    @property
    def missing(self) -> int:
        """Missing days, whether they may still come or not."""
        return self.awaited + self.none

    def situation(self, today: date, ends_soon: timedelta = ENDS_SOON) -> Situation:
        """Say what there is to say first.

        :param today: civil date in Paris
        :param ends_soon: how long before the end of a consent that is worth saying
        """
        ended = self.consents_until is not None and self.consents_until < today
        some_ended = self.consent_until is not None and self.consent_until < today
        for true, what in (
            (self.leaving, Situation.LEAVING),
            (bool(self.odd), Situation.ODD),
            (self.asks, Situation.CONNECT),
            (self.pending, Situation.NEW),
            (ended and self.state != VENDOR_DOWN, Situation.CONNECT),
            (self.partial or some_ended, Situation.PARTLY),
            (bool(self.state), Situation.VENDOR),
            (not self.daily, Situation.NO_DAILY),
            (self.last is None, Situation.NOTHING if self.asked else Situation.NEW),
            (self.last is not None and self.last < today - LATE, Situation.LATE),
            (self.consent_until is not None and self.consent_until <= today + ends_soon, Situation.ENDING),
            (self.awaited > 0, Situation.GAPS),
            (self.none > 0 or self.lost, Situation.HOLES),
        ):
            if true:
                return what
        return Situation.WELL


def overview(document: Mapping[str, Any]) -> Overview:
    """Read an account document.

    :param document: an account of ours, in whatever shape
    """
    account_id = str(document.get("_id"))
    try:
        account = Account.from_document(document)
    except BadAccount as error:
        return Overview(account_id, odd=str(error), leaving=leaving(document) is not None)
    pces = tuple(meter.pce for meter in account.meters)
    held = [years for pce in pces if (years := told_years(document, pce))]
    all_years = [year for years in held for year in years.values()]
    gaps = [gap for pce in pces for gap in known_gaps(document, pce).values()]
    # Whatever the state says: a meter without a consent in force is not read.
    gone = [meter for meter in account.meters if meter.lost and meter.unusable != WAITS and not account.reconnected]
    untils = [meter.until for meter in account.meters]
    known = [day for day in untils if day is not None]
    return Overview(
        account_id,
        pces,
        account.state,
        account.message,
        state_since(document),
        asks=account.waits_for_person
        or not (account.meters or account.grant)
        or (bool(gone) and len(gone) == len(account.meters)),
        pending=account.needs_first_launch and account.grant is not None,
        partial=account.partial or bool(gone),
        leaving=account.leaving is not None,
        first=min((year.first for year in all_years), default=None),
        last=min((max(year.last for year in years.values()) for years in held), default=None),
        days=sum(year.days for year in all_years),
        provisional=sum(year.provisional for year in all_years),
        corrected=sum(year.corrected for year in all_years),
        awaited=sum(gap.awaited for gap in gaps),
        none=sum(gap.none for gap in gaps),
        asked=any(history_read(document, meter) for meter in account.meters),
        consent_until=min(known, default=None),
        consents_until=max(known) if known and len(known) == len(untils) else None,
        daily=not pces or any(may_be_daily(document, pce) for pce in pces),
        lost=any(lost_years(document, pce) for pce in pces),
    )
