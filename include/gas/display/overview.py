"""The summary of an account for the list of all accounts. It is made from the account document alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.client import DEFAULT, client_if_known, client_of
from include.gas.account.sections.facts import may_be_daily
from include.gas.account.sections.lost_days import lost_years
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.proofs import Proof
from include.gas.account.sections.stored import told_years
from include.gas.account.sections.whole_history import history_read
from include.gas.account.state import is_about_proof, state_since
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.consents.consent import ENDS_SOON
from include.gas.display.recent_days import RecentDays, recent_days
from include.gas.errors import VENDOR_DOWN, BadAccount
from include.gas.rights.declared_right import is_waiting
from include.gas.rights.own_rights import WAITS

LATE = timedelta(days=7)
"""Age from which the newest day is late. Rows arrive from D+1 to D+3, and runs start in the morning of D+2."""

AHEAD = timedelta(days=1)
"""How far today's date may differ from one clock to another."""

BEYOND = "its document has a day or a moment that no calendar can reckon with, such as one of the year 9999"
"""What is odd about an account whose summary cannot be made."""


class Situation(StrEnum):
    """The most important thing to say about an account. The most urgent is listed first."""

    LEAVING = "leaving"
    ODD = "odd"
    ASKED = "asked"
    CORRECT = "correct"
    CONNECT = "connect"
    PARTLY = "partly"
    PROOF_REFUSED = "proof_refused"
    PROOF = "proof"
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
    """What an account document says, without secrets and independent of the present date.

    :param id: account id
    :param meters: the meters in order
    :param state: Cozy's word for what is wrong; ``None`` when all is well
    :param message: explains the state to a person
    :param since: when the state was first noticed, UTC text; ``""`` if unknown
    :param asks: whether nothing is read until the household acts
    :param pending: whether a consent waits for the run that will use it
    :param partial: whether the state is about only some of the meters
    :param leaving: whether a deletion is in progress
    :param odd: why the document cannot be understood; ``""`` otherwise
    :param first: first stored gas day of any meter; ``None`` if no day is stored
    :param last: the oldest of the meters' newest stored days, without meters that have no days or cannot be daily;
        ``None`` if no day is stored
    :param due: the oldest of the meters' first days after the newest stored one that a consent covers; ``None`` if no
        day is stored, or no consent covers any
    :param days: number of stored days of all meters
    :param provisional: number of stored days that GRDF may still change
    :param corrected: number of stored days that were corrected
    :param awaited: number of missing days that may still come
    :param none: number of missing days for which GRDF has no data
    :param asked: whether GRDF was asked for days of any meter, even without success
    :param consent_until: last day on which the first consent to end is of use; ``None`` if no consent ends
    :param consents_until: last day on which the last consent to end is of use; ``None`` if a consent does not end
    :param daily: whether GRDF may have daily data for any meter
    :param lost: whether stored days of any meter were lost
    :param waits: whether no meter is read until the contract's holder has accepted a declared right
    :param proof: ``refused`` if GRDF has refused a proof of consent, else ``asked`` if it waits for one, else ``""``
    :param proof_until: last day to send the first proof that GRDF waits for; ``None`` if none is known
    :param correct: whether a declaration has to be corrected
    :param client: the connection of the GRDF client that it belongs to; ``""`` if its document is odd
    :param recent: the newest days of its meters, one by one
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
    due: date | None = None
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
    waits: bool = False
    proof: str = ""
    proof_until: date | None = None
    correct: bool = False
    client: str = DEFAULT
    recent: tuple[RecentDays, ...] = ()

    @property
    def missing(self) -> int:
        """Number of missing days, whether or not they may still come."""
        return self.awaited + self.none

    def situation(self, today: date) -> Situation:
        """Return the most important thing to say about the account.

        :param today: civil date in Paris
        """
        ended = self.consents_until is not None and self.consents_until < today
        some_ended = self.consent_until is not None and self.consent_until < today
        # A day after tomorrow was written while a clock was ahead. Until it is over, it would hide that nothing comes.
        ahead = self.last is not None and self.last > today + AHEAD
        late = ahead or (self.due is not None and self.due <= today - LATE)
        for true, what in (
            (self.leaving, Situation.LEAVING),
            (bool(self.odd), Situation.ODD),
            (self.waits, Situation.ASKED),
            (self.asks and self.correct, Situation.CORRECT),
            (self.asks, Situation.CONNECT),
            (self.pending, Situation.NEW),
            (ended and self.state != VENDOR_DOWN, Situation.CONNECT),
            (self.partial or some_ended, Situation.PARTLY),
            (self.proof == REFUSED, Situation.PROOF_REFUSED),
            (self.proof == ASKED, Situation.PROOF),
            (bool(self.state), Situation.VENDOR),
            (not self.daily, Situation.NO_DAILY),
            (self.last is None, Situation.NOTHING if self.asked else Situation.NEW),
            (late, Situation.LATE),
            (self.consent_until is not None and self.consent_until <= today + ENDS_SOON, Situation.ENDING),
            (self.awaited > 0, Situation.GAPS),
            (self.none > 0 or self.lost, Situation.HOLES),
        ):
            if true:
                return what
        return Situation.WELL


def overview(document: Mapping[str, Any]) -> Overview:
    """Return the summary of an account document. It never raises: the list shows all accounts, or none.

    :param document: an account document of any shape
    """
    try:
        return _summary(document)
    except BadAccount as error:
        return odd_overview(document, str(error))
    except (ValueError, OverflowError):
        return odd_overview(document, BEYOND)


def odd_overview(document: Mapping[str, Any], why: str) -> Overview:
    """Return the summary of an account document that cannot be understood.

    :param why: what is odd about it, as a sentence or clause
    """
    client, is_leaving = client_if_known(document), leaving(document) is not None
    return Overview(str(document.get("_id")), odd=why, leaving=is_leaving, client=client)


def _summary(document: Mapping[str, Any]) -> Overview:
    account, client = Account.from_document(document), client_of(document)
    pces = tuple(meter.pce for meter in account.meters)
    told = {pce: told_years(document, pce) for pce in pces}
    held = [meter for meter in account.meters if told[meter.pce]]
    # A meter that cannot be daily gives no new day. What it gave before does not make the others look late.
    shown = [meter for meter in held if may_be_daily(document, meter.pce)] or held
    newest = [max(year.last for year in told[meter.pce].values()) for meter in shown]
    due = (meter.next_covered(last) for meter, last in zip(shown, newest, strict=True))
    all_years = [year for years in told.values() for year in years.values()]
    gaps = [gap for pce in pces for gap in known_gaps(document, pce).values()]
    # A meter without a consent in force is not read, whatever the state says.
    gone = [meter for meter in account.meters if meter.lost and meter.unusable != WAITS and not account.reconnected]
    declaration = Declaration.of(document)
    proofs = [proof for proof in Proof.all_of(document).values() if proof.needs_person]
    asks = (
        account.waits_for_person
        or not (account.meters or account.grant or account.declares)
        or (bool(gone) and len(gone) == len(account.meters))
    )
    is_leaving = account.leaving is not None
    recent = [
        recent_days(
            document,
            meter,
            told[meter.pce],
            is_read=not (asks or is_leaving or (meter.lost and not account.reconnected)),
        )
        for meter in account.meters
        if may_be_daily(document, meter.pce)
    ]
    untils = [meter.until for meter in account.meters]
    known = [day for day in untils if day is not None]
    return Overview(
        str(document.get("_id")),
        pces,
        account.state,
        account.message,
        state_since(document),
        asks=asks,
        pending=(account.needs_first_launch and account.grant is not None)
        or (account.declares and not account.refused),
        partial=(account.partial and not is_about_proof(document)) or bool(gone),
        leaving=is_leaving,
        first=min((year.first for year in all_years), default=None),
        last=min(newest, default=None),
        due=min((day for day in due if day), default=None),
        days=sum(year.days for year in all_years),
        provisional=sum(year.provisional for year in all_years),
        corrected=sum(year.corrected for year in all_years),
        awaited=sum(gap.awaited for gap in gaps),
        none=sum(gap.none for gap in gaps),
        asked=any(history_read(document, meter) for meter in account.meters),
        consent_until=min(known, default=None),
        consents_until=max(known) if known and len(known) == len(untils) else None,
        daily=not pces or bool(recent),
        lost=any(lost_years(document, pce) for pce in pces),
        waits=bool(gone) and len(gone) == len(account.meters) and declaration is not None and is_waiting(document),
        proof=next((state for state in (REFUSED, ASKED) if any(each.state == state for each in proofs)), ""),
        proof_until=min((each.until for each in proofs if each.until and each.is_due), default=None),
        correct=account.declares and account.refused,
        client=client,
        recent=tuple(recent),
    )
