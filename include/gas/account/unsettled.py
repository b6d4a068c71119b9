"""What is still to be settled of an account: a declaration, a grant beside known meters, a right without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.status import Status
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Held

WORDS = ("waiting", "checked", "asked", "unseen")
QUARTER = 15
"""Minutes from one look to the next: only the first of an hour is due in the first quarter."""
MORNING = 7
"""The hour of the day's look, Paris time: before the accounts' runs."""
NEW, RECENT = timedelta(hours=2), timedelta(days=7)
"""For how long after it was asked for each look counts, and for how long the first one of each hour."""
ONCE = timedelta(minutes=20)
"""The same for a declaration whose meter is still read: GRDF takes it once, or only when the old right has ended."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An account of which something is to be settled.

    :param document: its document
    :param meters: the meters with a right that waits for an answer
    :param declaration: what is to be declared; ``None`` if nothing
    :param intends: whether its grant or declaration has not become a right yet
    :param since: when the newest of that was asked for, UTC text; ``""`` if unknown, as of a grant
    :param rests: whether all of it is a declaration whose meter may still be read
    """

    document: Document = field(repr=False)
    meters: tuple[str, ...]
    declaration: Declaration | None
    intends: bool
    since: str
    rests: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Unsettled | None:
        """Return what is to be settled of an account; ``None`` if nothing is, or if its document cannot be read."""
        try:
            account = Account.from_document(document)
        except BadAccount:
            return None
        held = Status.held(document)
        waiting = list(filter(_waits, held.values()))
        asked = Declaration.of(document) if account.declares else None
        declares = asked is not None and not account.refused
        if account.leaving or not (waiting or declares or account.reconnected):
            return None
        found = cls(dict(document), tuple(each.pce for each in waiting), asked, declares or account.reconnected, "")
        if account.reconnected:
            return found
        moments = [each.since for each in waiting]
        if asked is not None and declares:
            moments.append(asked.entered_at)
        is_read = asked is not None and _is_open(held.get(asked.pce))
        return replace(found, since=max(moments), rests=is_read and not waiting)

    def is_due(self, look: datetime, now: datetime) -> bool:
        """Return whether it belongs to a look: to each one at first, then to one an hour, then to one a day.

        :param look: when the look is due, aware
        """
        if self.rests:
            return self.since > utc_text(now - ONCE)
        if not self.since or self.since > utc_text(now - NEW):
            return True
        hourly = self.since > utc_text(now - RECENT)
        return look.minute < QUARTER and (hourly or look.astimezone(PARIS).hour == MORNING)


def _waits(held: Held) -> bool:
    return held.waits or held.word in WORDS


def _is_open(held: Held | None) -> bool:
    return held is not None and held.is_open
