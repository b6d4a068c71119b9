"""The summary of an account for the list of all accounts, from the account document alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self

from include.gas.account.account import Account
from include.gas.account.client import DEFAULT, client_of, client_or_empty
from include.gas.account.declaration import waits_for_meter
from include.gas.account.marks import ConnectedMark, SilenceMark, has_withdrawn, leaving_asker
from include.gas.account.state import state_since
from include.gas.account.status import Status, is_building
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.gas_day import ONE_DAY
from include.gas.display.meter_days import MeterDays, Missing, days_in, days_of_meters
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import MeterAccess, has_withdrawn_consent

ENDS_SOON = timedelta(days=30)
"""Time before the end of the last right from which it is announced."""
NEWS = timedelta(days=7)
"""For how long an account that may no longer be read asks for an action. Then it rests: a move is final."""
LONG = timedelta(days=25)
"""After this silence, a person should confirm that it is known: 30 days without a new one."""
BEYOND = "its document has a day or a moment that no calendar can reckon with, such as one of the year 9999"
"""What is odd about an account that cannot be summarized."""


class Group(StrEnum):
    """How an account is. *Lost* means that a meter is not read until a person acts."""

    WELL = "well"
    LATE = "late"
    WAITING = "waiting"
    LOST = "lost"
    OVER = "over"
    LEAVING = "leaving"


class Situation(StrEnum):
    """What to show of an account; the most urgent comes first."""

    group: Group
    needs_person: bool
    is_read: bool
    """Whether gas days are expected: nothing else has to happen first."""

    def __new__(cls, word: str, group: Group, needs_person: bool = False, is_read: bool = True) -> Self:
        """Make a row of the table."""
        self = str.__new__(cls, word)
        self._value_, self.group, self.needs_person, self.is_read = word, group, needs_person, is_read
        return self

    LEAVING = "leaving", Group.LEAVING, False, False
    ODD = "odd", Group.LOST, True, False
    ASKED = "asked", Group.WAITING, False, False
    CHECKED = "checked", Group.WAITING, True, False
    BEHIND = "behind", Group.WAITING, False, False
    CORRECT = "correct", Group.LOST, True, False
    CONNECT = "connect", Group.LOST, True, False
    PARTLY = "partly", Group.LOST, True
    PROOF_REFUSED = "proof_refused", Group.WAITING, True
    PROOF = "proof", Group.WAITING, True
    VENDOR = "vendor", Group.LATE
    NEW = "new", Group.WAITING
    LATER = "later", Group.WAITING, False, False
    NOTHING = "nothing", Group.WAITING
    NO_DAILY = "no_daily", Group.WELL, False, False
    LATE = "late", Group.LATE, True
    ENDING = "ending", Group.WELL, True
    RENEWS = "renews", Group.WELL
    GAPS = "gaps", Group.WELL
    HOLES = "holes", Group.WELL
    WELL = "well", Group.WELL
    OVER = "over", Group.OVER, False, False


OF_HOUSEHOLD = (Situation.OVER, Situation.ENDING, Situation.PARTLY)
"""In which a household is to consent again."""


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account document without secrets and independent of the date.

    :param since: when the state was first noticed, UTC text
    :param standing: what comes first on any day, if anything does
    :param last: the oldest of the meters' newest stored days, of meters with daily data
    :param lost_on: when its last right ended or was refused, if nothing may be read any more
    :param consent_until: last useful day of the first right to end, among those in force or to come
    :param renews: when a right is declared because the one in force has ended
    :param known: the day on which a person last confirmed its silence
    :param damaged: whether a part of its ``status`` cannot be read
    :param building: the name of the building whose meters, of our own contracts, it has; ``""`` for a household
    """

    id: str
    access: tuple[MeterAccess, ...] = ()
    state: str | None = None
    message: str = ""
    since: str = ""
    standing: Situation | None = None
    partial: bool = False
    odd: str = ""
    last: date | None = None
    asked: bool = False
    lost_on: date | None = None
    consent_until: date | None = None
    renews: date | None = None
    proof: str = ""
    proof_until: date | None = None
    known: date | None = None
    client: str = DEFAULT
    days_of_meters: tuple[MeterDays, ...] = ()
    withdrawn: bool = False
    damaged: bool = False
    building: str = ""

    @property
    def leaving(self) -> bool:
        """Whether a deletion is in progress."""
        return self.standing is Situation.LEAVING

    @property
    def meters(self) -> tuple[str, ...]:
        """The numbers of its meters."""
        return tuple(access.pce for access in self.access)

    def missing(self, today: date) -> Missing:
        """Return how many published days are not stored."""
        each = [meter.count_missing(today) for meter in self.days_of_meters]
        return Missing(sum(missing.lately for missing in each), sum(missing.before for missing in each))

    @property
    def years(self) -> list[StoredYear]:
        """Summary of the stored days by meter and year."""
        return [year for meter in self.days_of_meters for year in meter.years]

    def silent_on(self, today: date) -> date | None:
        """Return the day on which its slowest meter fell silent, unless that is known."""
        days = [meter.silent_on(today) for meter in self.days_of_meters]
        return min((day for day in days if day and day > (self.known or date.min)), default=None)

    def was_answered_since(self, day: date, today: date) -> bool:
        """Return whether an answer of GRDF is stored, from that day or later, for each meter that is silent today."""
        answers = [meter.answered or date.min for meter in self.days_of_meters if meter.silent_on(today)]
        return min(answers, default=date.min) >= day

    def is_silent_for_long(self, today: date) -> bool:
        """Return whether a person should confirm its silence."""
        fell = self.silent_on(today)
        return fell is not None and fell <= today - LONG

    def is_read(self, today: date) -> bool:
        """Return whether gas days are expected of it: its rights have begun, and nothing else has to happen first."""
        return any(meter.is_expected(today) for meter in self.days_of_meters)

    def begins_later(self, today: date) -> bool:
        """Return whether its rights, or their days, begin in the future."""
        going = [access for access in self.access if access.word in ("active", "later")]
        return bool(going) and all(access.word == "later" or (access.first_day or today) > today for access in going)

    @property
    def is_daily(self) -> bool:
        """Whether GRDF may have daily data for any of its meters."""
        return not self.days_of_meters or any(meter.daily for meter in self.days_of_meters)

    def next_step(self, situation: Situation) -> str:
        """Return the name of what is to be done: a building has no household that could consent."""
        return "building" if self.building and situation in OF_HOUSEHOLD else situation

    def situation(self, today: date) -> Situation:
        """Return the most important thing about the account."""
        if pressing := self.urgent_situation(today):
            return pressing
        missing = self.missing(today)
        return Situation.GAPS if missing.lately else Situation.HOLES if missing.before else Situation.WELL

    def urgent_situation(self, today: date) -> Situation | None:
        """Return it, unless it is only missing days, which take a while to count."""
        if self.standing is Situation.CONNECT and self.lost_on and today - self.lost_on > NEWS:
            return Situation.OVER
        if self.standing:
            return self.standing
        for true, what in (
            (self.proof == REFUSED, Situation.PROOF_REFUSED),
            (self.partial, Situation.PARTLY),
            (self.proof == ASKED, Situation.PROOF),
            (bool(self.state), Situation.VENDOR),
            (self.begins_later(today), Situation.LATER),
            (self.is_daily and self.last is None, Situation.NOTHING if self.asked else Situation.NEW),
            (self.silent_on(today) is not None, Situation.LATE),
            (not self.is_daily, Situation.NO_DAILY),
            (self.renews is not None, Situation.RENEWS),
            ((self.consent_until or date.max) <= today + ENDS_SOON, Situation.ENDING),
        ):
            if true:
                return what
        return None


def summarize_account(document: Mapping[str, Any], reread_days: int = REREAD_DAYS) -> AccountSummary:
    """Return the summary of an account document of any shape. Never raise: one error would hide the whole list."""
    try:
        return _summary(document, reread_days)
    except BadAccount as error:
        odd = str(error)
    except (ValueError, OverflowError):
        odd = BEYOND
    standing = Situation.ODD if leaving_asker(document) is None else Situation.LEAVING
    return AccountSummary(str(document.get("_id")), odd=odd, standing=standing, client=client_or_empty(document))


def _summary(document: Mapping[str, Any], reread_days: int) -> AccountSummary:
    account, client = Account.from_document(document), client_of(document)
    standing = _standing(document, account)
    reads = standing is None or standing.is_read
    meters = days_of_meters(document, account, reads=reads, reread_days=reread_days)
    return AccountSummary(
        account.id,
        account.meters,
        account.state,
        account.message,
        state_since(document),
        standing=standing,
        last=slowest_newest_day(meters),
        client=client,
        days_of_meters=meters,
        **_rights(document, account),
        asked=any(Status.reading_of(document, access.pce).whole_at for access in account.meters),
        renews=account.renews,
        withdrawn=has_withdrawn(document),
        damaged=Status.is_damaged_in(document),
        building=str(document.get("name") or account.id) if is_building(document) else "",
        known=max(days_in(SilenceMark.read_moment(document)), default=None),
        **_proofs(account),
    )


def slowest_newest_day(meters: Sequence[MeterDays]) -> date | None:
    """Return the oldest of the meters' newest stored days."""
    # A meter that cannot be daily gives no new day; its old ones do not make the others look late.
    daily = [meter.last for meter in meters if meter.daily and meter.last]
    newest = daily or [meter.last for meter in meters if meter.last]
    return min(newest, default=None)


def _standing(document: Mapping[str, Any], account: Account) -> Situation | None:
    words = {access.word for access in account.meters}
    reads, declares = bool(words & {"active", "later"}), account.declares and not account.refused
    for true, what in (
        (account.leaving is not None, Situation.LEAVING),
        (account.needs_grant, Situation.NEW),
        (reads and not account.waits_for_person, None),
        (waits_for_meter(document), Situation.BEHIND),
        (declares, Situation.NEW),
        (account.declares, Situation.CORRECT),
        ("waiting" in words, Situation.ASKED),
        ("checked" in words, Situation.CHECKED),
        ("behind" in words, Situation.BEHIND),
        (has_withdrawn_consent(account.meters) or is_building(document), Situation.OVER),
        (account.waits_for_person or not account.meters, Situation.CONNECT),
        # Another program's meters are in no status before the first run.
        (words & {"asked", "unseen"} or not Status.access_of(document), Situation.NEW),
    ):
        if true:
            return what
    return Situation.CONNECT


def _rights(document: Mapping[str, Any], account: Account) -> dict[str, Any]:
    words = {access.word for access in account.meters}
    going = [access for access in account.meters if access.word in ("active", "later")]
    untils = [access.end_day - ONE_DAY for access in going or account.meters if access.end_day]
    return {
        "partial": account.partial,
        "lost_on": _lost_on(document, account.meters) if words <= {"over", "refused", "none"} else None,
        "consent_until": min(untils, default=None),
    }


def _lost_on(document: Mapping[str, Any], meters: Sequence[MeterAccess]) -> date | None:
    ends = [access.day for access in meters if access.word == "over" and access.day]
    known = ends or [*days_in(document.get("state") and state_since(document))]
    return max(*known, *days_in(ConnectedMark.read_moment(document)), date.min) if known else None


def _proofs(account: Account) -> dict[str, Any]:
    proofs = [proof for meter in account.meters for proof in meter.proofs.values()]
    due = [proof for proof in proofs if proof.is_due]
    refused = any(proof.state == REFUSED for proof in proofs)
    return {
        "proof": REFUSED if refused else ASKED if due else "",
        "proof_until": min((proof.until for proof in due if proof.until), default=None),
    }
