"""How far a household is that is connected by a declared right: from the declaration to its first stored days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.rights.declaration import Declaration, is_refused, names_person
from include.gas.account.sections.stored import told_years
from include.gas.answers.access_rights import WAITING
from include.gas.consents.consent import Consent
from include.gas.errors import BadAccount


class Step(StrEnum):
    """Where a declared right stands."""

    DECLARING = "declaring"
    CORRECT = "correct"
    WAITS = "waits"
    ACCEPTED = "accepted"
    READ = "read"
    REFUSED = "refused"
    OBSOLETE = "obsolete"
    REVOKED = "revoked"
    PROBLEM = "problem"
    NOTHING = "nothing"


_ENDED = (Step.REFUSED, Step.OBSOLETE, Step.REVOKED)
_LAST = (*_ENDED, Step.READ, Step.CORRECT, Step.NOTHING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a household is.

    :param step: where its right stands
    :param since: since when it waits for the holder, UTC text; ``""`` if it does not
    :param message: what the account says to a person who may see it; ``""`` if nothing
    """

    step: Step
    since: str = ""
    message: str = ""

    @property
    def is_last(self) -> bool:
        """Whether nothing changes any more unless a person does something."""
        return self.step in _LAST


def progress(document: Mapping[str, Any] | None) -> Progress:
    """Return how far the declared right of an account is. Its other meters do not matter.

    :param document: the account document, of any shape; ``None`` if there is none
    """
    declaration = Declaration.of(document) if document else None
    if document is None or declaration is None:
        return Progress(Step.NOTHING)
    try:
        account = Account.from_document(document)
    except BadAccount as error:
        return Progress(Step.PROBLEM, message=str(error))
    if account.leaving:
        return Progress(Step.NOTHING)
    if names_person(document):
        refused = is_refused(document)
        return Progress(Step.CORRECT if refused else Step.DECLARING, message=account.message if refused else "")
    meter = next((each for each in account.meters if each.pce == declaration.pce), None)
    if meter is None:
        return Progress(Step.NOTHING)
    if meter.lost:
        return _closed(meter, declaration, account.message)
    if account.waits_for_person:
        return Progress(Step.PROBLEM, message=account.message)
    return Progress(Step.READ if told_years(document, meter.pce) else Step.ACCEPTED)


def _closed(meter: Consent, declaration: Declaration, message: str) -> Progress:
    """Return how far a right is under which nothing may be read."""
    if any(right.unusable == WAITING for right in meter.rights):
        return Progress(Step.WAITS, declaration.declared)
    ended = next((step for step in _ENDED if meter.unusable.startswith(step)), None)
    return Progress(ended or Step.PROBLEM, message=message)
