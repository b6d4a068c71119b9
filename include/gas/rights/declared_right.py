"""The right that we declare at GRDF for a household: the request, GRDF's answer, and the right in GRDF's list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from include.gas.account.own_meters import meters_in, with_meters
from include.gas.account.sections.declaration import PERIMETERS, Declaration, with_declared, with_look
from include.gas.account.sections.lost_consents import LostConsents
from include.gas.account.state import with_state
from include.gas.answers.access_rights import GAS_USE_ROLES, WAITING, AccessRight
from include.gas.answers.scan import scan
from include.gas.answers.words import fold, text_of
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.days.windows import ONE_DAY, oldest_allowed
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED
from include.gas.meter_tag import meter_tag

YEARS_BACK, YEARS_AHEAD = 5, 3
"""What a right covers unless the declaration says otherwise: all that GRDF keeps, and three years to come."""
_ACCEPTED, _WAITING_CODE = "0000000000", "0000000002"


@dataclass(frozen=True, slots=True)
class Declared:
    """A right that GRDF has.

    :param id: GRDF's id of the right; ``""`` if its answer did not say
    :param waits: whether the contract's holder must accept it first
    """

    id: str
    waits: bool


def request_of(declaration: Declaration, today: date) -> dict[str, Any]:
    """Return the JSON body of ``PUT /pce/{pce}/droit_acces`` (ADICT 3.6 and 10.1).

    :param declaration: a checked declaration
    :param today: civil date in Paris, from which the right counts
    """
    last = declaration.calls_until or _in_years(today, YEARS_AHEAD)
    first = declaration.first or oldest_allowed(today, YEARS_BACK)
    end = declaration.end or last + ONE_DAY
    return {
        "role_tiers": GAS_USE_ROLES[0].upper(),
        **({"raison_sociale": declaration.company} if declaration.company else {"nom_titulaire": declaration.name}),
        "code_postal": declaration.postcode,
        "courriel_titulaire": declaration.email,
        **({"numero_telephone_mobile_titulaire": declaration.phone} if declaration.phone else {}),
        "date_debut_droit_acces": today.isoformat(),
        "date_fin_droit_acces": last.isoformat(),
        "perim_donnees_conso_debut": first.isoformat(),
        "perim_donnees_conso_fin": end.isoformat(),
        **{f"perim_donnees_{name}": "Vrai" if name in declaration.perimeters else "Faux" for name in PERIMETERS},
    }


def answered(body: str | bytes) -> Declared:
    """Return the right in GRDF's answer to a declaration that it has taken.

    :param body: the body of a 201; an answer without a status counts as one whose holder must accept
    """
    right, code = "", _WAITING_CODE
    for line in scan(body).objects:
        right = text_of(line.get("id_droit_acces")) or right
        code = text_of(line.get("code_statut_traitement")) or code
    return Declared(right, waits=code != _ACCEPTED)


def own_in(rights: Iterable[AccessRight], declaration: Declaration, held: Collection[str]) -> AccessRight | None:
    """Return the right in GRDF's list that was declared for this very household, if there is one.

    A meter's number alone says nothing: people move. Name, e-mail address and, where listed, postcode must be the same.

    :param rights: all our rights to the meter
    :param held: ids of rights that other accounts have brought
    :return: the newest one in force or waiting for its holder, one in force first
    """
    who = fold(declaration.name or declaration.company), fold(declaration.email), fold(declaration.postcode)

    def is_own(right: AccessRight) -> bool:
        name, email, postcode = right.holder
        return (
            right.pce == declaration.pce
            and right.stands
            and right.role in ("", *GAS_USE_ROLES)
            and right.id not in held
            and (name, email) == who[:2]
            and postcode in ("", who[2])
        )

    mine = [right for right in rights if is_own(right)]
    return max(mine, key=lambda right: (right.state == "active", right.created or date.min), default=None)


def taken_up(document: Mapping[str, Any], declaration: Declaration, right: Declared, at: datetime) -> Document:
    """Return the account document with the declared right as its consent, and without the person.

    While its holder has not accepted it, nothing is read under it.

    :param declaration: what was declared
    :param right: GRDF's right, with its id
    :param at: when GRDF took it, aware
    """
    consent = Consent(
        declaration.pce, right.id, declaration.first, declaration.end, declaration.calls_until,
        unusable=WAITING if right.waits else "", told=utc_text(at) if right.waits else "",
    )  # fmt: skip
    changed = with_declared(with_meters(document, [consent], at), declaration, at, waits=right.waits)
    if not right.waits:
        return changed
    changed = LostConsents.noted(changed, [*LostConsents.of(changed), declaration.pce])
    message = waiting_message(str(document.get("_id")), [declaration.pce], at)
    partial = any(not meter.lost for meter in _meters(changed))
    return with_state(changed, USER_ACTION_NEEDED, message, since=at, partial=partial)


def waiting_message(account: str, pces: Iterable[str], since: datetime) -> str:
    """Return the message for people about rights whose holder has not answered yet.

    :param since: when GRDF took them, aware
    """
    meters = ", ".join(meter_tag(account, pce) for pce in pces)
    return (
        f"Account {account}: since {since.astimezone(PARIS):%-d %B %Y, %H:%M} (Paris time) GRDF has the right to read "
        f"meter {meters}, and waits for the contract's holder to accept it. GRDF sends the e-mail within a quarter of "
        "an hour; the holder should look into the spam folder, too. Nothing is read until then, and the first run "
        "starts by itself."
    )


def after_look(document: Mapping[str, Any], at: datetime) -> Document:
    """Return the account document with the note whether its declared right still waits.

    :param document: the account document after it was compared with GRDF's list
    :param at: when GRDF was asked, aware
    """
    waits = any(right.unusable == WAITING for meter in _meters(document) for right in meter.rights)
    return with_look(document, at, waits=waits)


def _meters(document: Mapping[str, Any]) -> tuple[Consent, ...]:
    return meters_in(document, str(document.get("_id")))


def _in_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
