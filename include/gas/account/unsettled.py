"""What is still to be settled of an account: a declaration, a grant beside known meters, a right without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.declaration import Declaration, is_to_declare
from include.gas.account.status import Status
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


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An account of which something is to be settled.

    :param account: its document, as runs use it
    :param waiting: what it has of the meters with a right that waits for an answer
    :param to_send: what is to be declared; ``None`` if nothing, or if a person has to correct it
    """

    document: Document = field(repr=False)
    account: Account
    waiting: tuple[Held, ...]
    to_send: Declaration | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Unsettled | None:
        """Return what is to be settled of an account; ``None`` if nothing is, or if its document cannot be read."""
        try:
            account = Account.from_document(document)
        except BadAccount:
            return None
        waiting = tuple(each for each in Status.held(document).values() if each.waits or each.word in WORDS)
        to_send = Declaration.of(document) if is_to_declare(document) else None
        found = cls(dict(document), account, waiting, to_send)
        return None if account.leaving or not (waiting or found.intends) else found

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters with a right that waits for an answer."""
        return tuple(each.pce for each in self.waiting)

    @property
    def intends(self) -> bool:
        """Whether its grant or declaration has not become a right yet."""
        return self.to_send is not None or self.account.reconnected

    def is_due(self, look: datetime, now: datetime) -> bool:
        """Return whether it belongs to a look: to each one at first, then to one an hour, then to one a day.

        :param look: when the look is due, aware
        """
        if self.account.reconnected:
            return True
        since = max([each.since for each in self.waiting] + ([self.to_send.entered_at] if self.to_send else []))
        if not since or since > utc_text(now - NEW):
            return True
        return look.minute < QUARTER and (since > utc_text(now - RECENT) or look.astimezone(PARIS).hour == MORNING)
