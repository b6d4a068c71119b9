"""What is unsettled about an account: a declaration, a grant beside known meters, a right without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.declaration import Declaration, needs_declaration, waits_for_meter
from include.gas.account.status import Status
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import MeterAccess

PENDING_WORDS = ("waiting", "checked", "asked", "unseen")
QUARTER = 15
"""Minutes between looks. Hourly looks are those of the first quarter."""
MORNING = 7
"""Hour of the daily look in Paris, before the accounts' runs."""
NEW, RECENT = timedelta(hours=2), timedelta(days=7)
"""Age up to which a right is looked for every quarter of an hour, then every hour."""
RENEWAL_ONCE = timedelta(minutes=20)
"""The same as ``NEW`` for a renewal: GRDF takes it now, or only once the old right has ended."""


@dataclass(frozen=True, slots=True)
class PendingAccount:
    """An account with something unsettled.

    :param since: when the newest began to wait, UTC text; ``""`` if unknown
    :param declares: whether its declaration is to be sent; not while another account has the meter
    :param renews: whether only a renewal waits, so that the meter is still read
    """

    document: Document = field(repr=False)
    meters: tuple[str, ...]
    since: str
    declares: bool
    renews: bool
    reconnects: bool

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PendingAccount | None:
        """Return what is unsettled; ``None`` if nothing is, or if the document cannot be read."""
        try:
            account = Account.from_document(document)
        except BadAccount:
            return None
        access = Status.access_of(document)
        waiting = [each for each in access.values() if each.waits or each.word in PENDING_WORDS]
        given = (
            Declaration.from_document(document)
            if needs_declaration(document) and not waits_for_meter(document)
            else None
        )
        if account.leaving or not any((waiting, given, account.reconnected)):
            return None
        since = max([*(each.since for each in waiting), *([given.entered_at] if given else [])], default="")
        meters = tuple(each.pce for each in waiting)
        renews = given is not None and not waiting and access.get(given.pce, MeterAccess(pce=given.pce)).is_open
        return cls(dict(document), meters, since, given is not None, renews=renews, reconnects=account.reconnected)

    @property
    def account(self) -> str:
        """The account's id."""
        return str(self.document["_id"])

    def is_due(self, look: datetime, now: datetime) -> bool:
        """Return whether a look concerns it: every one at first, then hourly, then daily."""
        if self.reconnects or not self.since or self.since > utc_text(now - (RENEWAL_ONCE if self.renews else NEW)):
            return True
        if self.renews:
            return False
        return look.minute < QUARTER and (self.since > utc_text(now - RECENT) or look.astimezone(PARIS).hour == MORNING)
