"""Consents (``droits d'accès``): which meters a household opened to us, for which days, and whether it still stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from include.gas.answers.access_rights import AccessRight, consent_state, is_pce, is_usable
from include.gas.days.gas_day import utc_text
from include.gas.days.windows import ONE_DAY, Window
from include.gas.errors import IdTokenRefused

CLAIM = "consentements"
"""The claim of the id_token that names the meters: a string which holds JSON itself."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The right to read one meter, or several of them: all that the account brought itself.

    GRDF's calls for data go by the meter alone and succeed as long as any right of ours on it is in force, whoever gave
    it. So it is for us to keep to the rights whose ids the account has: what follows here says which days they cover.

    :param pce: the meter
    :param id_accreditation: GRDF's id of the newest right that the account brought, needed to revoke it (also called
        ``id_droit_acces``), or None when it was never learnt
    :param first: first gas day it covers, None for no bound
    :param end: gas day from which it covers nothing, None for no bound
    :param calls_until: last civil day on which GRDF may be asked under it, None for no bound or when it is not known
    :param unusable: in plain words, how it stands when GRDF's list says that nothing may be read under it, else ""
    :param told: when GRDF was asked for the list that said so, UTC text, or "": an older list does not take it back
    :param brought: when the account brought it, UTC text, or "": a list that is older says nothing of it
    :param looked: for a meter whose own right was never learnt: the day on which it was looked for first
    :param seen: for such a meter: the rights that lists have shown on it since, each with the first day of that
    :param others: the rights on the same meter that the account brought before, newest first; theirs are empty
    """

    pce: str
    id_accreditation: str | None = None
    first: date | None = None
    end: date | None = None
    calls_until: date | None = None
    unusable: str = ""
    told: str = field(default="", compare=False)
    brought: str = field(default="", compare=False)
    looked: date | None = None
    seen: tuple[tuple[str, date], ...] = ()
    others: tuple[Consent, ...] = ()

    @classmethod
    def of_right(cls, right: AccessRight) -> Consent:
        """Return the consent that a right in GRDF's list amounts to.

        :param right: the right
        """
        return cls(right.pce, right.id, right.data_first, right.data_end, right.last)

    @property
    def rights(self) -> tuple[Consent, ...]:
        """All rights that the account brought, each for itself, newest first."""
        return (replace(self, others=()), *self.others)

    @property
    def own(self) -> frozenset[str]:
        """GRDF's ids of all of them, whether they can still be used or not."""
        return frozenset(right.id_accreditation for right in self.rights if right.id_accreditation)

    @property
    def ids(self) -> tuple[str, ...]:
        """GRDF's ids of those under which the meter is read, newest first."""
        return tuple(each.id_accreditation for each in self.rights if each.id_accreditation and not each.unusable)

    @property
    def lost(self) -> bool:
        """Whether none of them can be used, by the last look into GRDF's list."""
        return all(right.unusable for right in self.rights)

    @property
    def is_dated(self) -> bool:
        """Whether GRDF's list has said how far each right reaches that can be used."""
        rights = [right for right in self.rights if not right.unusable]
        return all(right.first or right.end or right.calls_until for right in rights)

    def usable(self, today: date) -> tuple[Consent, ...]:
        """Return those under which GRDF may be asked on a day.

        :param today: civil date in Paris
        """
        return tuple(
            right
            for right in self.rights
            if not right.unusable and (right.calls_until is None or right.calls_until >= today)
        )

    def covered(self, window: Window, today: date | None = None) -> tuple[Window, ...]:
        """Cut a window down to the days that any usable right covers: one window for each stretch, in order.

        :param window: gas days
        :param today: civil date in Paris on which GRDF is asked; None counts all that are in force by the last look
        """
        rights = self.usable(today) if today else [right for right in self.rights if not right.unusable]
        parts = sorted(part for right in rights if (part := window.clip(right.first, right.end)))
        stretches: list[Window] = []
        for part in parts:
            if stretches and part.first <= stretches[-1].end:
                stretches[-1] = Window(stretches[-1].first, max(part.end, stretches[-1].end))
            else:
                stretches.append(part)
        return tuple(stretches)

    @property
    def opens(self) -> date | None:
        """First gas day that any usable right covers, None for no bound."""
        firsts = [right.first for right in self._telling]
        return None if None in firsts else min(day for day in firsts if day)

    @property
    def closes(self) -> date | None:
        """Gas day from which no usable right covers anything, None for no bound."""
        ends = [right.end for right in self._telling]
        return None if None in ends else max(day for day in ends if day)

    @property
    def until(self) -> date | None:
        """Last day on which any of them is of use, None when no end is known.

        GRDF lets the household choose both: for how long we may ask, and the days of gas use that we may ask for.
        """
        ends = [
            min((day for day in (each.calls_until, each.end and each.end - ONE_DAY) if day), default=None)
            for each in self._telling
        ]
        return None if None in ends else max(day for day in ends if day)

    @property
    def _telling(self) -> tuple[Consent, ...]:
        """Those that can be used; all of them when none can, since they tell what there was."""
        return tuple(right for right in self.rights if not right.unusable) or self.rights

    def as_json(self) -> dict[str, Any]:
        """Return the entry of an account document."""
        entry: dict[str, Any] = {"pce": self.pce, "id_accreditation": self.id_accreditation}
        for name in ("first", "end", "calls_until", "looked"):
            day = getattr(self, name)
            if day is not None:
                entry[name] = day.isoformat()
        entry |= {name: text for name in ("unusable", "told", "brought") if (text := getattr(self, name))}
        if self.seen:
            entry["seen"] = {right: day.isoformat() for right, day in self.seen}
        if self.others:
            entry["others"] = [other.as_json() for other in self.others]
        return entry


def parse_claims(claims: Mapping[str, Any], *, account: str | None = None) -> tuple[Consent, ...]:
    """Read the meters out of a **verified** id_token.

    :param claims: what ``verify_id_token`` returned. ``consentements`` is a JSON array in a string, or a real array
    :param account: account id, for messages
    :return: every consent, in order, each meter once (its last entry counts)
    :raises IdTokenRefused: if there is none, or if any entry is not understood: half a household is no household
    """
    entries = claims.get(CLAIM)
    if isinstance(entries, str):
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            raise _refused("claim `consentements` is not JSON", account) from None
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise _refused("claim `consentements` names no meter", account)
    consents: dict[str, Consent] = {}
    for number, entry in enumerate(entries, start=1):
        pce = entry.get("pce") if isinstance(entry, Mapping) else None
        if not isinstance(pce, str) or not is_pce(pce.strip()):
            raise _refused(f"entry {number} of claim `consentements` names no valid meter", account)
        accreditation = entry.get("id_accreditation")
        if not isinstance(accreditation, str) or not accreditation.strip():
            raise _refused(f"entry {number} of claim `consentements` has no `id_accreditation`", account)
        consents[pce.strip()] = Consent(pce.strip(), accreditation.strip())
    return tuple(consents.values())


def own_right(consent: Consent, rights: Iterable[AccessRight], today: date) -> AccessRight | None:
    """Find the right of a consent in GRDF's list by its id, None when it is not there or cannot be used.

    :param consent: the consent; of several rights the newest counts
    :param rights: all rights known, of any meter
    :param today: civil date in Paris
    """
    mine = (right for right in rights if right.pce == consent.pce and right.id == consent.id_accreditation)
    return next((right for right in mine if is_usable(right, today)), None)


def told(consent: Consent, rights: Iterable[AccessRight], today: date, asked_at: datetime | str) -> Consent:
    """Put what GRDF's list says of its own rights into a consent: their dates, and which cannot be used.

    A right of another id changes nothing: it may be that of whoever lives there now.

    :param consent: the consent
    :param rights: all rights of ours on the meter, or of any
    :param today: civil date in Paris
    :param asked_at: when GRDF was asked for the list, aware: it cannot hold what was brought later
    """
    listed = {right.id: right for right in rights if right.pce == consent.pce}
    moment = datetime.fromisoformat(asked_at) if isinstance(asked_at, str) else asked_at

    def is_newer(text: str) -> bool:  # by far newer: some clock was wrong
        return utc_text(moment) < text < utc_text(moment + ONE_DAY)

    def one(mine: Consent) -> Consent:
        right = listed.get(mine.id_accreditation or "")
        if mine.unusable and is_newer(mine.told):
            return mine
        if right is None:
            if mine.id_accreditation is None or is_newer(mine.brought):
                return mine
            return replace(mine, unusable=consent_state((), consent.pce, today), told=utc_text(moment))
        state = "" if is_usable(right, today) else consent_state((right,), consent.pce, today)
        return replace(
            Consent.of_right(right), unusable=state, told=utc_text(moment) if state else "", brought=mine.brought
        )

    newest, *others = (one(mine) for mine in consent.rights)
    return replace(newest, others=tuple(others))


def _refused(cause: str, account: str | None) -> IdTokenRefused:
    return IdTokenRefused.about(
        account,
        f"the id_token is genuine but its {cause}",
        "Nothing was changed. The household should consent again and choose a meter; if it did, tell GRDF.",
    )
