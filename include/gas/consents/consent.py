"""Consents (``droits d'accès``): the meters that a household has opened to us, for which days, and their validity."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.answers.access_rights import NEVER_IN_FORCE, AccessRight, consent_state, is_pce, is_usable
from include.gas.days.gas_day import utc_text
from include.gas.days.windows import ONE_DAY, Window
from include.gas.errors import IdTokenRefused

CLAIM = "consentements"
"""The claim of the id_token that names the meters: a string that contains JSON."""
ENDS_SOON = timedelta(days=30)
"""How long before the end of a consent people are told."""
NOT_ACCEPTED = ", without ever being in force"
"""The end of the state of a right that was not accepted before it was over.

Accounts have this text stored (``consents[].unusable``) and it is compared with, so it must never be reworded.
"""


@dataclass(frozen=True, slots=True)
class Consent:
    """The account's own right to read one meter. If it has brought several, the older ones are in ``others``.

    GRDF answers a request for a meter as long as any of our rights to it is in force, no matter who granted it. So we
    must make sure ourselves that we read only under the rights that the account has brought. The fields say which days
    these rights cover.

    :param id_accreditation: GRDF's id of the newest right that the account brought (also called ``id_droit_acces``),
        which is needed to revoke it; ``None`` if unknown
    :param first: first gas day that the right covers; ``None`` for no bound
    :param end: first gas day after the right; ``None`` for no bound
    :param calls_until: last civil day on which GRDF may be asked; ``None`` for no bound or if unknown
    :param unusable: the state of the right in plain words if GRDF's list says that it cannot be used; ``""`` otherwise
    :param told: when GRDF was asked for the list that said so, UTC text, or ``""``; older lists do not change it
    :param brought: when the account brought the right, UTC text, or ``""``; older lists cannot contain it
    :param looked: if the account's own right is unknown: the day on which we first looked for it
    :param seen: if the account's own right is unknown: ids of the rights listed for the meter since then, each with the
        day on which it was first seen
    :param accepted: whether a list has shown the right in force, where the other fields say something else or nothing;
        ``None`` where :attr:`was_in_force` tells it by them
    :param others: rights to the same meter that the account brought earlier, newest first; their ``others`` are empty
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
    accepted: bool | None = None
    others: tuple[Consent, ...] = ()

    @classmethod
    def of_right(cls, right: AccessRight) -> Consent:
        """Return the consent for a right in GRDF's list."""
        found = cls(right.pce, right.id, right.data_first, right.data_end, right.last)
        return found._with_fact(True if right.state == "active" else False if right.state in NEVER_IN_FORCE else None)

    @property
    def rights(self) -> tuple[Consent, ...]:
        """All rights that the account brought, one by one, newest first."""
        return (replace(self, others=()), *self.others)

    @property
    def own(self) -> frozenset[str]:
        """GRDF's ids of all rights that the account brought, usable or not."""
        return frozenset(right.id_accreditation for right in self.rights if right.id_accreditation)

    @property
    def ids(self) -> tuple[str, ...]:
        """GRDF's ids of the rights under which the meter is read, newest first."""
        return tuple(each.id_accreditation for each in self.rights if each.id_accreditation and not each.unusable)

    @property
    def lost(self) -> bool:
        """Whether none of the rights can be used, according to GRDF's list when we last checked it."""
        return all(right.unusable for right in self.rights)

    @property
    def is_dated(self) -> bool:
        """Whether GRDF's list has told us the dates of every usable right."""
        return all(right._has_dates for right in self.rights if not right.unusable)

    @property
    def was_in_force(self) -> bool | None:
        """Whether the newest right is in force, or was; ``None`` if no list has shown the right yet.

        It is noted only where the right's dates and state do not tell it, see :meth:`_with_fact`.
        """
        if self.accepted is not None:
            return self.accepted
        if self.unusable.startswith(NEVER_IN_FORCE) or self.unusable.endswith(NOT_ACCEPTED):
            return False
        return True if self._has_dates else None

    @property
    def was_never_in_force(self) -> bool:
        """Whether nobody has accepted the newest right: it waits, was refused, or was over before it was accepted.

        Its days are only those that somebody has asked for, maybe for another household.
        """
        return self.was_in_force is False

    @property
    def _may_have_been_in_force(self) -> bool:
        """Whether the newest right is usable, or was."""
        return not self.unusable or self.was_in_force is True

    def in_state(self, unusable: str, told: str) -> Consent:
        """Return the right in another state. One that was in force stays so, and one that was not does."""
        return replace(self, unusable=unusable, told=told)._with_fact(self.was_in_force if unusable else None)

    def _with_fact(self, was_in_force: bool | None) -> Consent:
        """Return the right with the fact whether it was in force, noted only where nothing else tells it."""
        told_by_itself = replace(self, accepted=None)
        is_usable = was_in_force and not self.unusable  # a list without any dates changes no account
        if is_usable or was_in_force in (None, told_by_itself.was_in_force):
            return told_by_itself
        return replace(self, accepted=was_in_force)

    @property
    def _has_dates(self) -> bool:
        return bool(self.first or self.end or self.calls_until)

    def usable(self, today: date) -> tuple[Consent, ...]:
        """Return the rights under which GRDF may be asked today."""
        return tuple(
            right
            for right in self.rights
            if not right.unusable and (right.calls_until is None or right.calls_until >= today)
        )

    def covered(self, window: Window, today: date | None = None) -> tuple[Window, ...]:
        """Return the parts of a window that usable rights cover, in order and without overlaps.

        :param window: gas days
        :param today: civil date in Paris on which GRDF is asked; ``None`` to include rights whose ``calls_until`` is
            over
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

    def next_covered(self, day: date) -> date | None:
        """Return the first gas day after another that usable rights cover; ``None`` if they cover none.

        :param day: gas day, of any year
        """
        later = Window.of(day + ONE_DAY, date.max) if day < date.max else None
        parts = self.covered(later) if later else ()
        return parts[0].first if parts else None

    def holds(self, window: Window) -> bool:
        """Return whether the rights that the account brought cover all days of a window, also if they are over now.

        A right that was never in force covers none: otherwise, whoever asks for all days opens the former household's.

        :param window: gas days
        """
        first, rights = window.first, [right for right in self.rights if right._may_have_been_in_force]
        for part in sorted(part for right in rights if (part := window.clip(right.first, right.end))):
            if part.first > first:
                return False
            first = max(first, part.end)
        return first >= window.end

    @property
    def opens(self) -> date | None:
        """First gas day that a usable right covers; ``None`` for no bound."""
        firsts = [right.first for right in self._telling]
        return None if None in firsts else min(day for day in firsts if day)

    @property
    def closes(self) -> date | None:
        """First gas day after all usable rights; ``None`` for no bound."""
        ends = [right.end for right in self._telling]
        return None if None in ends else max(day for day in ends if day)

    @property
    def until(self) -> date | None:
        """Last day on which a usable right is of use; ``None`` if no end is known.

        The household chooses two ends on GRDF's site: until when we may ask, and the last gas day we may ask for.
        """
        ends = [
            min((day for day in (each.calls_until, each.end and _before(each.end)) if day), default=None)
            for each in self._telling
        ]
        return None if None in ends else max(day for day in ends if day)

    @property
    def _telling(self) -> tuple[Consent, ...]:
        """The usable rights; if none is usable, those that were, to say what was covered before; or else all rights."""
        usable = tuple(right for right in self.rights if not right.unusable)
        return usable or tuple(right for right in self.rights if right._may_have_been_in_force) or self.rights

    def as_json(self) -> dict[str, Any]:
        """Return the entry for the account document."""
        entry: dict[str, Any] = {"pce": self.pce, "id_accreditation": self.id_accreditation}
        for name in ("first", "end", "calls_until", "looked"):
            day = getattr(self, name)
            if day is not None:
                entry[name] = day.isoformat()
        entry |= {name: text for name in ("unusable", "told", "brought") if (text := getattr(self, name))}
        if self.accepted is not None:
            entry["accepted"] = self.accepted
        if self.seen:
            entry["seen"] = {right: day.isoformat() for right, day in self.seen}
        if self.others:
            entry["others"] = [other.as_json() for other in self.others]
        return entry


def parse_claims(claims: Mapping[str, Any], *, account: str | None = None) -> tuple[Consent, ...]:
    """Return the consents in a **verified** id_token.

    :param claims: the result of ``verify_id_token``; ``consentements`` is an array, or a string with a JSON array
    :return: one consent per meter, in order; the last entry of a meter counts
    :raises IdTokenRefused: if there is no entry, or if any entry cannot be understood, since we do not want to connect
        only a part of a household's meters
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
    """Return the right of a consent from GRDF's list; ``None`` if it is not listed or not usable.

    :param consent: its newest right is looked for, by id
    :param rights: all known rights, of any meter
    """
    mine = (right for right in rights if right.pce == consent.pce and right.id == consent.id_accreditation)
    return next((right for right in mine if is_usable(right, today)), None)


def told(consent: Consent, rights: Iterable[AccessRight], today: date, asked_at: datetime | str) -> Consent:
    """Return a consent updated from GRDF's list: the dates of its rights, and which of them cannot be used.

    Rights with other ids change nothing, because they may belong to the people who live there now. GRDF's list does not
    tell whether a right that is not in force was ever accepted; so it is kept whether a list has shown it in force.

    :param rights: all our rights to the meter; rights to other meters are ignored
    :param asked_at: when GRDF was asked for the list, aware; the list cannot contain rights brought later
    """
    listed = {right.id: right for right in rights if right.pce == consent.pce}
    moment = datetime.fromisoformat(asked_at) if isinstance(asked_at, str) else asked_at

    def is_newer(text: str) -> bool:
        return utc_text(moment) < text

    def one(mine: Consent) -> Consent:
        right = listed.get(mine.id_accreditation or "")
        if mine.unusable and is_newer(mine.told):
            return mine
        if right is None:
            if mine.id_accreditation is None or is_newer(mine.brought):
                return mine
            return mine.in_state(consent_state((), consent.pce, today), utc_text(moment))
        state = "" if is_usable(right, today) else consent_state((right,), consent.pce, today)
        accepted = True if right.state == "active" else mine.was_in_force
        if accepted is None and right.state in NEVER_IN_FORCE:
            accepted = False
        if right.is_over and accepted is False and not state.startswith(NEVER_IN_FORCE):
            state += NOT_ACCEPTED
        found = replace(
            Consent.of_right(right), unusable=state, told=utc_text(moment) if state else "", brought=mine.brought
        )
        return found._with_fact(accepted)

    newest, *others = (one(mine) for mine in consent.rights)
    return replace(newest, others=tuple(others))


def _before(day: date) -> date:
    """Return the day before, or the very first day that there is: any text that is a day may stand in a document."""
    return day - ONE_DAY if day > date.min else day


def _refused(cause: str, account: str | None) -> IdTokenRefused:
    return IdTokenRefused.about(
        account,
        f"the id_token is genuine but its {cause}",
        "Nothing was changed. The household should consent again and choose a meter; if it did, tell GRDF.",
    )
