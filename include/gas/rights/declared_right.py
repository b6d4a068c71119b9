"""The right that we declare at GRDF for a household: the request, GRDF's answer, and the right in GRDF's list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.own_meters import meters_in, with_meters
from include.gas.account.sections.rights.declaration import PERIMETERS, Declaration, Holder, with_declared, with_look
from include.gas.account.sections.rights.lost_consents import LostConsents
from include.gas.account.sections.rights.sent_declarations import FORGOTTEN, SentDeclarations, without_sent
from include.gas.account.state import with_state
from include.gas.answers.access_rights import GAS_USE_ROLES, WAITING, AccessRight, is_right_id
from include.gas.answers.scan import scan
from include.gas.answers.words import fold, fold_address, moment_in, text_of
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


DECIDED = ("refused", "obsolete", "revoked", "active, but without")
"""Beginnings of the states in which a declared right waits no more, besides being in force."""
SOON = timedelta(days=2)
"""How long we hope for the holder's answer before we tell a person to ask for it."""
_CLOCKS = timedelta(hours=3)
"""How much earlier a right may seem than its declaration: GRDF's moments name no time zone, and clocks differ."""
_WORD = re.compile(r"\w+")
_UNDER_WAY = timedelta(hours=1)
"""How long GRDF may be working on a declaration: longer than any call lasts."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A right that GRDF has.

    :param id: GRDF's id of the right; ``""`` if its answer did not say, or not in the form of an id
    :param waits: whether the contract's holder must accept it first
    :param made: when GRDF took it, UTC text; ``""`` if it has just done so
    """

    id: str
    pce: str
    waits: bool
    made: str = ""

    def made_by(self, now: datetime) -> datetime:
        """Return when GRDF took it.

        :param now: an aware datetime; a moment after it is of a clock that was wrong
        """
        return min(datetime.fromisoformat(self.made), now) if self.made else now


def declared(right: AccessRight, sent: Iterable[SentDeclarations] = ()) -> Declared:
    """Return the declared right for one in GRDF's list.

    It may be listed late, and its holder has been waited for since it was made. GRDF cannot have made it before it was
    sent. If its list names the day alone, it was made on that day when it was sent.

    :param sent: what its account has sent; a right that none of it has made counts as just taken
    """
    moments = [moment_in(each.at) for each in sent if was_made_by(right, each)]
    made = max(right.created_at, *moments) if moments else ""
    return Declared(right.id, right.pce, waits=right.state != "active", made=made)


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
    """
    right, code = "", _WAITING_CODE
    for line in scan(body).objects:
        said = text_of(line.get("id_droit_acces"))
        right = said if is_right_id(said) else right
        code = text_of(line.get("code_statut_traitement")) or code
    return Declared(right, pce, waits=code != _ACCEPTED)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about who may have declared the rights in GRDF's list.

    :param sent: the declarations that the account has sent
    :param own: ids of rights that the account has
    :param held: ids of rights that other accounts have, also those that are leaving
    """

    sent: Collection[SentDeclarations] = ()
    own: Collection[str] = ()
    held: Collection[str] = ()


def declared_in(rights: Iterable[AccessRight], known: Known, today: date) -> list[AccessRight]:
    """Return the rights in GRDF's list that this account has declared and that are in force or wait for their holder.

    A meter's number alone says nothing: people move. Nor do a name and an address, since others know them, too. So a
    right counts only if the account has it already, or if it was made after the account had sent a declaration for the
    same holder, and not on GRDF's site.

    :param rights: all our rights to the meters in question
    :return: the best one first: one in force, then the newest
    """
    mine = [
        right
        for right in rights
        if right.stands
        and (right.last is None or right.last >= today)
        and right.role in ("", *GAS_USE_ROLES)
        and right.id not in known.held
        and (right.id in known.own or any(was_made_by(right, sent, today) for sent in known.sent))
    ]
    return sorted(mine, key=lambda right: (right.state == "active", right.created or date.min), reverse=True)


def is_for_another(right: AccessRight, asked: Declaration) -> bool:
    """Return whether a right was declared for another person or address than what is to be declared now."""
    name, email, _ = right.holder
    return bool(name or email) and not right.is_held_by(asked.name or asked.company, asked.email)


def may_be_of(right: AccessRight, holder: Holder) -> bool:
    """Return whether a right's holder, as GRDF names it, may be one that somebody has entered.

    GRDF may add first names to a name, and the address may be that of an account on GRDF's site. So it is enough if all
    words of one name are in the other. A right without a name may be anybody's.

    :param holder: the entry
    """
    name, email, _ = right.holder
    same_address = bool(email) and fold_address(holder.email) == email
    return not name or same_address or names_fit(name, name_of(holder))


def name_of(holder: Holder) -> str:
    """Return the name that somebody has entered, folded."""
    return fold(f"{holder.name} {holder.company}")


def names_fit(one: str, other: str) -> bool:
    """Return whether all words of one name are in the other: GRDF may add first names. Both are folded."""
    theirs, entered = ({*_WORD.findall(each)} for each in (one, other))
    return bool(theirs and entered) and (theirs <= entered or entered <= theirs)


def was_made_by(right: AccessRight, sent: SentDeclarations, today: date | None = None) -> bool:
    """Return whether a right may come from a declaration: it is for the same holder, not older, and not much younger.

    A right that was made long afterwards was declared by somebody else, maybe for the next household.

    :param today: civil date in Paris; a declaration that is forgotten by then has made only what is of its own day, or
        of the next one. ``None`` if it does not matter
    """
    name, email, _ = right.holder
    if right.pce != sent.pce or right.made_on_site or not sent.is_for(name, email):
        return False
    try:
        earliest = (datetime.fromisoformat(sent.at) - _CLOCKS).astimezone(PARIS)
    except (ValueError, TypeError, OverflowError):
        return False
    if right.created is None or right.created < earliest.date():
        return False
    most = ONE_DAY if today is not None and sent.is_forgotten(today) else FORGOTTEN
    if sent.sent_on is None or right.created - sent.sent_on > most:
        return False
    made = moment_in(right.created)  # the start of the day: GRDF's list names no hour
    return right.created_at in ("", made) or right.created_at >= utc_text(earliest)


def taken_up(document: Mapping[str, Any], right: Declared, now: datetime) -> Document:
    """Return the account document with the declared right as its consent, and without the person.

    While its holder has not accepted it, nothing is read under it. Which days it covers is learnt from GRDF's list
    before the first reading, since a right that GRDF had before may cover other days than those asked for.

    :param right: GRDF's right, with its id
    """
    at = right.made_by(now)
    told_at = utc_text(now) if right.waits else ""
    consent = Consent(right.pce, right.id, unusable=WAITING if right.waits else "", told=told_at)
    changed = with_meters(document, [consent], at)
    changed = with_declared(changed, right.pce, at, waits=is_waiting(changed))
    meters = _meters(changed)
    shut = [meter.pce for meter in meters if meter.pce == right.pce and meter.lost]
    if not shut:
        return changed
    changed = LostConsents.noted(changed, [*LostConsents.of(changed), *shut])
    message = waiting_message(str(document.get("_id")), shut, at, now)
    return with_state(changed, USER_ACTION_NEEDED, message, since=now, partial=any(not meter.lost for meter in meters))


def is_waiting(document: Mapping[str, Any]) -> bool:
    """Return whether a right of an account waits for its holder."""
    return any(right.unusable == WAITING for meter in _meters(document) for right in meter.rights)


def still_waiting(meter: Consent, judged: Consent, listed: Collection[str] | None, asked_at: datetime) -> Consent:
    """Return a meter's consent after it was compared with GRDF's list, with the declared rights that still wait.

    A declared right waits until GRDF says that its holder has answered. A list that does not name it, or says something
    else of it, may be cut short, older than the right, or wrong. After two days it counts all the same, so that nobody
    waits for ever.

    :param meter: the consent before
    :param judged: the consent after, as in :func:`include.gas.consents.consent.told`
    :param listed: ids of the rights in the list; ``None`` if the list is not to decide about rights that wait
    :param asked_at: when GRDF was asked for it, aware
    """
    before = {right.id_accreditation: right for right in meter.rights if right.unusable == WAITING}

    def one(right: Consent) -> Consent:
        waits = before.get(right.id_accreditation)
        if waits is None or right.unusable == WAITING:
            return right
        if not listed:
            return waits
        decided = not right.unusable or right.unusable.startswith(DECIDED)
        decided = decided and right.id_accreditation in listed
        return right if decided or _is_old(waits, asked_at) else waits

    newest, *others = (one(right) for right in judged.rights)
    return replace(newest, others=tuple(others))


def _is_old(waits: Consent, now: datetime) -> bool:
    try:
        return not -ONE_DAY <= now - datetime.fromisoformat(waits.brought) <= SOON  # or a clock was wrong
    except (ValueError, TypeError, OverflowError):
        return True


def waiting_message(account: str, pces: Iterable[str], since: datetime, now: datetime) -> str:
    """Return the message for people about rights whose holder has not answered yet.

    :param since: when they were declared, aware
    """
    late = now - since > SOON
    since = min(max(since, _EARLIEST), _LATEST).astimezone(PARIS)  # whatever a document says
    meters = ", ".join(meter_tag(account, pce) for pce in pces)
    if late:
        return (
            f"Account {account}: the contract's holder has not answered GRDF's e-mail of {since:%-d %B %Y}, so meter "
            f"{meters} is not read. Ask the household to look for the e-mail, also in its spam "
            "folder. If it cannot be found, delete the account, which ends the right at GRDF, and connect it again."
        )
    return (
        f"Account {account}: since {since:%-d %B %Y, %H:%M} (Paris time) GRDF waits for the "
        f"contract's holder to let us read meter {meters}. GRDF's e-mail leaves within a quarter of an hour; the "
        "holder should look into the spam folder, too. Nothing is read before the holder accepts; then the first run "
        "starts by itself."
    )


def after_look(document: Mapping[str, Any], at: datetime, listed: Iterable[AccessRight]) -> Document:
    """Return the account document with notes of what a list says of its declared rights.

    What was sent is forgotten once the list shows a right of the account to its meter: until then, the id that GRDF
    answered may be wrong. Right after it was sent, GRDF may still be working on it, so a right that the account had
    before does not count then.

    :param document: the account document after it was compared with GRDF's list
    :param at: when GRDF was asked, aware
    :param listed: the rights in the list
    """
    changed = with_look(document, at, waits=is_waiting(document))
    own = {right.id_accreditation: right.brought for meter in _meters(document) for right in meter.rights}
    shown = [right for right in listed if right.id in own]
    under_way = utc_text(at - _UNDER_WAY)
    known = [
        sent
        for sent in SentDeclarations.of(changed)
        if any(right.pce == sent.pce and (sent.at < under_way or own[right.id] >= sent.at) for right in shown)
    ]
    return without_sent(changed, known, at) if known else changed


def _meters(document: Mapping[str, Any]) -> tuple[Consent, ...]:
    return meters_in(document, str(document.get("_id")))


def _in_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
