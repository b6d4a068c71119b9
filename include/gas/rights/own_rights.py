"""Finds out which account a right belongs to. An account owns the rights that it has brought itself.

GRDF's list does not prove that a right belongs to an account. But accounts of Cozy's konnector name a meter without a
right, so the right that such an account brought must be found once. If its ``id_token`` is still there, it names the
right, however old it is. Otherwise the right is taken from GRDF's lists of two days, provided that it is the only
candidate: a single list may be incomplete and contain only the next tenant's right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.words import day_in
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today
from include.gas.errors import BadAccount

UNKNOWN = "not known to be its own"
"""State of a meter's consent when nobody can say which right the account brought."""
WAITS = "only told by GRDF's list, and one list may be cut short: that of another day must show the same"
"""State of a meter's consent when the list of another day will decide.

Accounts have this text stored (``consents[].unusable``) and it is compared with, so it must never be reworded.
"""


def made_on(document: Mapping[str, Any]) -> date | None:
    """Return the day in Paris on which cozy-stack created an account; ``None`` if unknown.

    Cozy writes UTC, and GRDF dates rights by the days of Paris: an hour or two after midnight these are two days.
    """
    created = members(document.get("cozyMetadata")).get("createdAt")
    try:
        return paris_today(datetime.fromisoformat(str(created).strip()))
    except (ValueError, OverflowError):  # no time zone, or no moment at all
        return day_in(created)


def learnt(
    meter: Consent,
    rights: Iterable[AccessRight],
    *,
    today: date,
    made: date | None,
    claimed: str | None = None,
    held: Collection[str] = (),
) -> Consent:
    """Find the right that a konnector account brought for a meter.

    Rights that other accounts have brought are not considered. If the day of the account's creation is known, its right
    is the newest one created up to that day. Otherwise it is the only right that was ever listed for the meter,
    provided that the lists of two days agree and that the right is older than our first check: people who move in later
    bring another one. If none of this finds a right, the household must connect again, or an operator must assign the
    right.

    :param meter: a meter whose right is known is returned unchanged
    :param rights: all our rights to the meter; rights to other meters are ignored
    :param today: civil date in Paris. If a right to the meter was created later, our clock is wrong and the check is
        not noted
    :param made: day on which the account was created; ``None`` if unknown
    :param claimed: the id of the right that the account's checked ``id_token`` names for the meter
    :param held: ids of rights that other accounts have brought
    :return: the meter with its right, or with a note of the unsuccessful search
    """
    if meter.id_accreditation is not None:
        return meter
    if claimed and claimed not in held:
        return _learnt(meter, claimed)
    every = [right for right in rights if right.pce == meter.pce]
    listed = [right for right in every if right.id not in held]
    if made is not None:
        older = [right for right in listed if right.created is not None and right.created <= made]
        newest = max(older, key=lambda each: each.created or date.min, default=None)
        return _learnt(meter, newest.id) if newest else replace(meter, unusable=UNKNOWN, looked=meter.looked or today)
    if any(right.created is not None and right.created > today for right in every):
        return replace(meter, unusable=WAITS)  # our clock is behind
    looked = today if meter.looked is None else min(meter.looked, today)
    seen = {right: min(day, today) for right, day in meter.seen}
    before = dict(seen)
    seen |= {right.id: today for right in listed if right.id not in seen}
    sole = listed[0] if len(listed) == 1 and seen.keys() - set(held) == {listed[0].id} else None
    if sole is None or sole.created is None or sole.created >= looked:
        return replace(meter, unusable=UNKNOWN, looked=looked, seen=tuple(seen.items()))
    if before.get(sole.id, today) < today:
        return _learnt(meter, sole.id)
    return replace(meter, unusable=WAITS, looked=looked, seen=tuple(seen.items()))


def _learnt(meter: Consent, right: str) -> Consent:
    return replace(meter, id_accreditation=right, unusable="", looked=None, seen=())


def foreign(meter: Consent, rights: Iterable[AccessRight]) -> tuple[AccessRight, ...]:
    """Return the rights to a meter that are in force, or may be, and that its account has not brought.

    :param rights: all our rights to the meter; rights to other meters are ignored
    :return: in the order of ``rights``
    """
    return tuple(each for each in rights if each.pce == meter.pce and each.stands and each.id not in meter.own)


def held_by(documents: Iterable[Mapping[str, Any]], *, but: str = "", also_leaving: bool = False) -> dict[str, str]:
    """Return the rights that accounts have brought, as a mapping of GRDF's ids to account ids.

    :param documents: account documents of any shape; those that cannot be understood are left out
    :param but: id of an account to leave out
    :param also_leaving: whether accounts that are leaving count, too. They give their rights back
    """
    held: dict[str, str] = {}
    for document in documents:
        if document.get("_id") == but or not (also_leaving or leaving(document) is None):
            continue
        try:
            meters = Account.from_document(document).meters
        except BadAccount:
            continue
        held |= {right: str(document["_id"]) for meter in meters for right in meter.own}
    return held
