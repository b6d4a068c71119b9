"""Whose an account is by the holder of its newest own right, as GRDF's list names it.

A record of consent says what somebody has entered, which may have been misspelt and corrected since; and who has agreed
on GRDF's site has none. GRDF's list also names the holders of rights that have ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from typing import Any

from include.gas.account.own_meters import meters_in
from include.gas.account.sections.rights.declaration import Declaration, Holder
from include.gas.answers.access_rights import NEVER_IN_FORCE, AccessRight
from include.gas.answers.words import fold, fold_address
from include.gas.consents.consent import Consent
from include.gas.errors import BadAccount
from include.gas.rights.declared_right import may_be_of


def meters_with_rights(document: Mapping[str, Any] | None) -> list[Consent]:
    """Return the meters for which an account has a right of its own; none if they cannot be understood."""
    try:
        meters = meters_in(document or {}, str((document or {}).get("_id")))
    except BadAccount:
        return []
    return [meter for meter in meters if meter.own]


def newest_in(rights: Iterable[AccessRight], meters: Iterable[Consent]) -> list[AccessRight] | None:
    """Return the right that an account brought last of those whose holder has agreed, as GRDF lists it.

    There may be one for each meter, if they were brought together. A right whose holder has not agreed says nothing:
    somebody else may have declared it.

    :param rights: GRDF's list
    :return: ``None`` if the list does not show it, because it was cut short
    """
    listed = {(right.pce, right.id): right for right in rights}
    latest: list[tuple[str, AccessRight | None]] = []
    for meter in meters:
        own = ((each, listed.get((meter.pce, each.id_accreditation or ""))) for each in meter.rights)
        agreed = ((each.brought, right) for each, right in own if right is None or _has_agreed(each, right))
        latest.extend(islice(agreed, 1))
    last = max((brought for brought, _ in latest), default="")
    newest = [right for brought, right in latest if brought == last]
    shown = [right for right in newest if right is not None]
    return shown if len(shown) == len(newest) else None


def _has_agreed(known: Consent, listed: AccessRight) -> bool:
    """Return whether the holder of a right has accepted it, according to the list and to what is known from before."""
    if listed.state == "active":
        return True
    return listed.state not in NEVER_IN_FORCE if known.was_in_force is None else known.was_in_force


def vouches_for(right: AccessRight, holder: Holder, today: date, *, since: str = "") -> bool:
    """Return whether a right of an account says that somebody is of the account's household.

    :param holder: who is to be connected, as entered or as GRDF names them
    :param since: when somebody else may have come, if the right had ended by then, UTC text; ``""`` if nobody has
    """
    name, email, _ = right.holder
    is_named = bool(name and fold(holder.name or holder.company)) or bool(email and email == fold_address(holder.email))
    over = right.over_at(today)
    lasted = not since or (over > since if over else not right.is_over)
    return is_named and lasted and may_be_of(right, holder)


def as_holder(right: AccessRight) -> Holder:
    """Return a right's holder, as GRDF names it."""
    name, email, postcode = right.holder
    return Declaration(pce=right.pce, name=name, email=email, postcode=postcode)
