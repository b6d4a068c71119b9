"""GRDF's check of the proof of a right's consent: how far it is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from include.gas.answers.access_rights import AccessRight
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.gas_day import utc_text

LAG = timedelta(days=2)
"""How long GRDF may still show that it asks for a proof that was sent. After that it asks again."""


class Proof(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far GRDF's check of the proof of one right is.

    :param state: as in :mod:`include.gas.answers.proof_state`
    :param until: last day to send the proof; ``None`` if GRDF does not say
    :param sent: when we sent it, UTC text; ``""`` if we have not within the last days
    """

    state: str
    until: date | None = None
    sent: str = ""

    @property
    def is_due(self) -> bool:
        """Whether GRDF waits for it and we have not sent it."""
        return self.state == ASKED and not self.sent

    @property
    def is_replaceable(self) -> bool:
        """Whether GRDF takes it (again): it waits for it, as far as it says, or has refused it."""
        return self.state in (ASKED, REFUSED)

    @property
    def needs_person(self) -> bool:
        """Whether GRDF waits for it and we have not sent it, or has refused it."""
        return self.is_due or self.state == REFUSED


def shown_proof(old: Proof | None, line: AccessRight, at: str) -> Proof | None:
    """Return how far the check of a right's proof is once GRDF has shown the right; ``None`` if it checks nothing.

    :param old: what was known before
    :param at: when GRDF was asked, UTC text
    """
    if old is not None and old.sent >= at:
        return old
    if not (line.proof and line.stands):
        return None
    late = utc_text(datetime.fromisoformat(at) - LAG)
    return Proof(state=line.proof, until=line.proof_until, sent=old.sent if old and old.sent > late else "")
