"""How far a household is that connects: from its entry to its first stored days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from include.gas.account.account import Account
from include.gas.account.declaration import Declaration, waits_for_meter
from include.gas.account.status import Status
from include.gas.days.windows import ONE_DAY
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import MeterAccess


class Step(StrEnum):
    """Where a right stands."""

    DECLARING = "declaring"
    CORRECT = "correct"
    WAITS = "waits"
    LATER = "later"
    TAKEN = "taken"
    NARROW = "narrow"
    ACCEPTED = "accepted"
    READ = "read"
    RENEWS = "renews"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    OVER = "over"
    PROBLEM = "problem"
    NOTHING = "nothing"


_OF_WORD = {
    "waiting": Step.WAITS, "later": Step.LATER, "unseen": Step.DECLARING, "asked": Step.DECLARING,
    "behind": Step.TAKEN, "checked": Step.PROBLEM,
    "refused": Step.REFUSED, "over": Step.OVER, "narrow": Step.NARROW, "none": Step.NOTHING,
}  # fmt: skip
_ENDED = (Step.REFUSED, Step.UNANSWERED, Step.OVER, Step.NOTHING)
_LAST = (*_ENDED, Step.NARROW, Step.READ, Step.CORRECT)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a household is.

    :param day: when the right begins or ended, its last day before a renewal, or the first day read
    :param reason: what has to be corrected, as in ``DeclarationRefused``
    """

    step: Step
    since: str = ""
    day: date | None = None
    reason: str = ""
    message: str = ""

    @property
    def is_last(self) -> bool:
        """Whether nothing changes until a person acts."""
        return self.step in _LAST


def find_progress(document: Mapping[str, Any] | None) -> Progress:
    """Return how far an account of any shape is with its declared right, or else with its newest one."""
    try:
        account = Account.from_document(document) if document is not None else None
    except BadAccount as error:
        return Progress(Step.PROBLEM, message=str(error))
    if document is None or account is None or account.leaving:
        return Progress(Step.NOTHING)
    if waits_for_meter(document):
        return Progress(Step.TAKEN, message=account.message)
    declaration = Declaration.from_document(document) if account.declares else None
    if declaration and account.refused:
        return Progress(Step.CORRECT, reason=declaration.refused_reason, message=account.message)
    access, asks = _held(account, declaration), account.declares or account.needs_grant
    if access is not None and not account.needs_grant:
        return _with_right(document, account, access, asks=asks)
    if account.waits_for_person:
        return Progress(Step.PROBLEM, message=account.message)
    return Progress(Step.DECLARING if asks else Step.NOTHING)


def _held(account: Account, declaration: Declaration | None) -> MeterAccess | None:
    pce = declaration.pce if declaration else ""
    return max((each for each in account.meters if pce in ("", each.pce)), key=lambda each: each.since, default=None)


def _with_right(document: Mapping[str, Any], account: Account, access: MeterAccess, *, asks: bool) -> Progress:
    if access.waits and access.word != "checked":
        return Progress(Step.WAITS, since=access.since)
    step = _OF_WORD.get(access.word) or (
        Step.READ if Status.reading_of(document, access.pce).by_year() else Step.ACCEPTED
    )
    if step is Step.OVER and not access.days:  # it was never in force
        step = Step.UNANSWERED
    if asks and step in _ENDED:
        return Progress(Step.DECLARING)
    if account.waits_for_person and step not in (*_ENDED, Step.TAKEN, Step.NARROW):
        return Progress(Step.PROBLEM, message=account.message)
    if account.renews:
        return Progress(Step.RENEWS, day=account.renews - ONE_DAY, message=account.message)
    return Progress(step, day=access.first_day if step is Step.ACCEPTED else access.day, message=account.message)
