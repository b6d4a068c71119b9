"""The right that we declare at GRDF for a household: the request, GRDF's answer, and the right in GRDF's list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from include.gas.account.own_meters import meters_in, with_meters
from include.gas.account.sections.declaration import PERIMETERS, Declaration, fingerprint, with_declared, with_look
from include.gas.account.sections.lost_consents import LostConsents
from include.gas.account.state import with_state
from include.gas.answers.access_rights import GAS_USE_ROLES, WAITING, AccessRight
from include.gas.answers.scan import scan
from include.gas.answers.words import text_of
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.days.windows import ONE_DAY, oldest_allowed
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED
from include.gas.meter_tag import meter_tag

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
YEARS_BACK, YEARS_AHEAD = 5, 3
"""What a right covers unless the declaration says otherwise: all that GRDF keeps, and three years to come."""
_ACCEPTED, _WAITING_CODE = "0000000000", "0000000002"


DECIDED = ("refused", "obsolete", "revoked")
"""Beginnings of the states in which a declared right waits no more, besides being in force."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A right that GRDF has.

    :param id: GRDF's id of the right; ``""`` if its answer did not say
    :param pce: the meter
    :param waits: whether the contract's holder must accept it first
    """

    id: str
    pce: str
    waits: bool


def request_of(declaration: Declaration, today: date) -> dict[str, Any]:
    """Return the JSON body of ``PUT /pce/{pce}/droit_acces`` (ADICT 3.6 and 5).

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


def answered(body: str | bytes, pce: str) -> Declared:
    """Return the right in GRDF's answer to a declaration that it has taken.

    :param body: the body of a 201; an answer without a status counts as one whose holder must accept
    :param pce: the meter
    """
    right, code = "", _WAITING_CODE
    for line in scan(body).objects:
        right = text_of(line.get("id_droit_acces")) or right
        code = text_of(line.get("code_statut_traitement")) or code
    return Declared(right, pce, waits=code != _ACCEPTED)


def own_in(
    rights: Iterable[AccessRight], prints: Collection[str], own: Collection[str], held: Collection[str]
) -> Declared | None:
    """Return the right in GRDF's list that was declared for this very household, if there is one.

    A meter's number alone says nothing: people move. Name, e-mail address and postcode must be the same, unless the
    account holds the right already.

    :param rights: all our rights to the meters in question
    :param prints: fingerprints of what is declared, and of what was sent before
    :param own: ids of rights that the account has
    :param held: ids of rights that other accounts have
    :return: the newest one in force or waiting for its holder, one in force first
    """

    def is_own(right: AccessRight) -> bool:
        name, email, postcode = right.holder
        same = fingerprint(right.pce, name, email, postcode) in prints
        stands = right.stands and right.role in ("", *GAS_USE_ROLES)
        return stands and right.id not in held and (right.id in own or same)

    mine = [right for right in rights if is_own(right)]
    best = max(mine, key=lambda right: (right.state == "active", right.created or date.min), default=None)
    return None if best is None else Declared(best.id, best.pce, waits=best.state != "active")


def taken_up(document: Mapping[str, Any], right: Declared, at: datetime) -> Document:
    """Return the account document with the declared right as its consent, and without the person.

    While its holder has not accepted it, nothing is read under it. Which days it covers is learnt from GRDF's list
    before the first reading, since a right that GRDF had before may cover other days than those asked for.

    :param right: GRDF's right, with its id
    :param at: when GRDF took it, aware
    """
    told_at = utc_text(at) if right.waits else ""
    consent = Consent(right.pce, right.id, unusable=WAITING if right.waits else "", told=told_at)
    changed = with_declared(with_meters(document, [consent], at), right.pce, at, waits=right.waits)
    if not right.waits:
        return changed
    changed = LostConsents.noted(changed, [*LostConsents.of(changed), right.pce])
    message = waiting_message(str(document.get("_id")), [right.pce], at)
    partial = any(not meter.lost for meter in _meters(changed))
    return with_state(changed, USER_ACTION_NEEDED, message, since=at, partial=partial)


def still_waiting(meter: Consent, judged: Consent, listed: Collection[str] | None) -> Consent:
    """Return a meter's consent after it was compared with GRDF's list, with the rights that still wait.

    A declared right waits until GRDF says that its holder has answered. A list that does not name it, or says something
    else of it, may be cut short, older than the right, or wrong.

    :param meter: the consent before
    :param judged: the consent after, as in :func:`include.gas.consents.consent.told`
    :param listed: ids of the rights in the list; ``None`` if the list is not to decide about rights that wait
    """
    before = {right.id_accreditation: right for right in meter.rights if right.unusable == WAITING}

    def one(right: Consent) -> Consent:
        waits = before.get(right.id_accreditation)
        if waits is None or right.unusable == WAITING:
            return right
        decided = not right.unusable or right.unusable.startswith(DECIDED)
        return right if listed is not None and waits.id_accreditation in listed and decided else waits

    newest, *others = (one(right) for right in judged.rights)
    return replace(newest, others=tuple(others))


def waiting_message(account: str, pces: Iterable[str], since: datetime) -> str:
    """Return the message for people about rights whose holder has not answered yet.

    :param since: when they were declared, aware
    """
    since = min(max(since, _EARLIEST), _LATEST)  # whatever a document says
    meters = ", ".join(meter_tag(account, pce) for pce in pces)
    return (
        f"Account {account}: since {since.astimezone(PARIS):%-d %B %Y, %H:%M} (Paris time) GRDF waits for the "
        f"contract's holder to let us read meter {meters}. GRDF's e-mail leaves within a quarter of an hour; the "
        "holder should look into the spam folder, too. Nothing is read before the holder accepts; then the first run "
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
