"""Whose is a right? An account's own rights are those that it brought itself; GRDF's list is no proof of any other.

Accounts of Cozy's konnector name a meter and no right. The one that such an account brought is learnt once: from its
``id_token`` where that is still there, however old; else from GRDF's lists of two days, as long as it can be no other:
one list may be cut short, and then hold the next tenant's right alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.words import day_in
from include.gas.consents.consent import Consent
from include.gas.errors import BadAccount

UNKNOWN = "not known to be its own"
"""How the consent of a meter stands of which nobody can tell what its account brought."""
WAITS = "only known from GRDF's list, and one list may be cut short: the list of another day must agree"
"""How it stands when the list of another day will tell it."""


def made_on(document: Mapping[str, Any]) -> date | None:
    """Return the day on which cozy-stack made an account, None where it does not say.

    :param document: the account document
    """
    return day_in(members(document.get("cozyMetadata")).get("createdAt"))


def learnt(
    meter: Consent,
    rights: Iterable[AccessRight],
    *,
    today: date,
    made: date | None,
    claimed: str | None = None,
    held: Collection[str] = (),
) -> Consent:
    """Find the right that an account of the konnector's brought for a meter.

    It is none that another account has brought. When the account says when it was made, its right is the newest that
    is no younger than the account. Else it is the only right that was ever listed on the meter, by lists of two days,
    and is older than our first look: whoever moves in later brings another one. Where neither tells, the household
    connects again, or an operator says whose right it is.

    :param meter: the meter; one whose right is known stays as it is
    :param rights: all rights of ours on the meter, or of any
    :param today: civil date in Paris. A look of a clock that a right on the meter proves wrong is not noted
    :param made: the day on which the account was made, if that is known
    :param claimed: the id that the account's checked ``id_token`` names for the meter
    :param held: ids of rights that other accounts have brought
    :return: the meter with its right, or noted as looked for in vain
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
    """Return the rights on a meter that stand and that its account has not brought, in the order of the list.

    :param meter: the meter
    :param rights: all rights of ours on the meter, or of any
    """
    return tuple(each for each in rights if each.pce == meter.pce and each.stands and each.id not in meter.own)


def held_by(documents: Iterable[Mapping[str, Any]], *, but: str = "") -> dict[str, str]:
    """Return which rights accounts have brought: GRDF's id to the account's.

    :param documents: account documents, in whatever shape; those that are leaving give theirs back
    :param but: an account that does not count
    """
    held: dict[str, str] = {}
    for document in documents:
        if document.get("_id") == but or leaving(document) is not None:
            continue
        try:
            meters = Account.from_document(document).meters
        except BadAccount:
            continue
        held |= {right: str(document["_id"]) for meter in meters for right in meter.own}
    return held
