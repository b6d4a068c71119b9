"""Consents (`droits d'accès`): which meters a household opened to us, for which days, and whether it still stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from include.gas.errors import GasError, IdTokenRefused, ServiceUnavailable
from include.gas.refusals import refusal_error, status_of
from include.gas.scan import scan
from include.gas.words import day_in, fold

CLAIM = "consentements"
"""The claim of the id_token that names the meters: a string which holds JSON itself."""

_PCE = re.compile(r"[0-9]{14}|GI[0-9]{6}")
_GAS_USE_ROLES = ("autorise_contrat_fourniture", "detenteur_contrat_fourniture")
_STATES = {
    "active": "active",
    "a valider": "waiting for the holder",
    "revoquee": "revoked",
    "a reverifier": "to be checked again by GRDF",
    "obsolete": "obsolete",
    "refusee": "refused",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """The right to read one meter.

    :param pce: the meter.
    :param id_accreditation: GRDF's id of the consent, needed to revoke it (also called `id_droit_acces`), or None.
    :param first: first gas day it covers, None for no bound.
    :param end: gas day from which it covers nothing, None for no bound.
    :param calls_until: last civil day on which GRDF may be asked under it, None for no bound or when it is not known.
    """

    pce: str
    id_accreditation: str | None = None
    first: date | None = None
    end: date | None = None
    calls_until: date | None = None

    @property
    def until(self) -> date | None:
        """Last day on which it is of use, None when no end is known.

        GRDF lets the household choose both: for how long we may ask, and the days of gas use that we may ask for.
        """
        ends = [self.calls_until, self.end and self.end - timedelta(days=1)]
        return min((day for day in ends if day is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return the entry of an account document."""
        entry: dict[str, Any] = {"pce": self.pce, "id_accreditation": self.id_accreditation}
        if self.first is not None:
            entry["first"] = self.first.isoformat()
        if self.end is not None:
            entry["end"] = self.end.isoformat()
        if self.calls_until is not None:
            entry["calls_until"] = self.calls_until.isoformat()
        return entry


@dataclass(frozen=True, slots=True)
class AccessRight:
    """One line of `droits_acces`.

    :param id: GRDF's id of the right.
    :param pce: the meter.
    :param role: `role_tiers` in small letters.
    :param state: `etat_droit_acces` in plain words, or GRDF's own word in small letters when we do not know it.
    :param first: first civil day we may call, None for no bound.
    :param last: last civil day we may call, None for no bound.
    :param data_first: first gas day it covers, None for no bound.
    :param data_end: `perim_donnees_conso_fin`, read as the gas day from which it covers nothing; None for no bound.
    :param informative: whether daily data are in its perimeter; None when GRDF does not say (holders of the contract).
    :param published: the same for published data.
    :param contractual: the same for contract data.
    :param technical: the same for data of the meter.
    :param created: day it was made, or None.
    :param revoked: day it was revoked, or None.
    :param revoked_by: who revoked it, GRDF's word in small letters, or "".
    """

    id: str
    pce: str
    role: str
    state: str
    first: date | None = None
    last: date | None = None
    data_first: date | None = None
    data_end: date | None = None
    informative: bool | None = None
    published: bool | None = None
    contractual: bool | None = None
    technical: bool | None = None
    created: date | None = None
    revoked: date | None = None
    revoked_by: str = ""

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> AccessRight | None:
        """Read a line; None for the status line and for lines that name no meter.

        :param line: an object of the answer. A stray colon at the end of a key is forgiven.
        """
        fields = {key.rstrip(": "): value for key, value in line.items()}
        pce, right = fields.get("id_pce"), fields.get("id_droit_acces")
        if not (isinstance(pce, str) and isinstance(right, str)) or not is_pce(pce.strip()):
            return None
        state = fold(fields.get("etat_droit_acces"))
        if state in ("revoque", "refuse"):  # both genders are seen
            state += "e"
        return cls(
            id=right.strip(),
            pce=pce.strip(),
            role=fold(fields.get("role_tiers")),
            state=_STATES.get(state, state),
            first=day_in(fields.get("date_debut_droit_acces")),
            last=day_in(fields.get("date_fin_droit_acces")),
            data_first=day_in(fields.get("perim_donnees_conso_debut")),
            data_end=day_in(fields.get("perim_donnees_conso_fin")),
            informative=_flag(fields.get("perim_donnees_informatives")),
            published=_flag(fields.get("perim_donnees_publiees")),
            contractual=_flag(fields.get("perim_donnees_contractuelles")),
            technical=_flag(fields.get("perim_donnees_techniques")),
            created=day_in(fields.get("date_creation")),
            revoked=day_in(fields.get("date_revocation")),
            revoked_by=fold(fields.get("source_revocation")),
        )

    @property
    def stands(self) -> bool:
        """Whether it is in force or may still come into force, so that a leaving household has it revoked."""
        return self.state in ("active", "waiting for the holder")

    def consent(self) -> Consent:
        """Return the consent this right amounts to."""
        return Consent(self.pce, self.id, self.data_first, self.data_end, self.last)


@dataclass(frozen=True, slots=True)
class Rights:
    """An answer of `droits_acces`.

    :param rights: in the order of the answer.
    :param odd: how many objects were neither a right nor a status, or could not be read.
    :param problem: the error to raise, or None.
    """

    rights: tuple[AccessRight, ...] = ()
    odd: int = 0
    problem: GasError | None = None


def is_pce(text: object) -> bool:
    """Tell whether a text is a meter's id: 14 digits, or GI and 6 digits.

    :param text: the id.
    """
    return isinstance(text, str) and _PCE.fullmatch(text) is not None


def parse_claims(claims: Mapping[str, Any], *, account: str | None = None) -> tuple[Consent, ...]:
    """Read the meters out of a **verified** id_token.

    :param claims: what `verify_id_token` returned. `consentements` is a JSON array in a string, or a real array.
    :param account: account id, for messages.
    :return: every consent, in order, each meter once (its last entry counts).
    :raises IdTokenRefused: if there is none, or if any entry is not understood: half a household is no household.
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


def read_rights(text: str | bytes, *, account: str | None, pce: str | None = None) -> Rights:
    """Read an answer of `droits_acces`.

    :param text: the body as received.
    :param account: account id, for messages; None when all rights were asked.
    :param pce: the meter that was asked, for messages.
    """
    found = scan(text)
    rights: list[AccessRight] = []
    odd = len(found.broken)
    problem: GasError | None = None
    for line in found.objects:
        right = AccessRight.from_line(line)
        code, message = status_of(line)
        if right is not None:
            rights.append(right)
        elif code or message:
            error = refusal_error(code, message, account=account, pce=pce)
            # An empty list comes as a status line that says there is no right: an answer, not a failure.
            problem = problem or (None if fold(message).find("aucun droit") >= 0 else error)
        else:
            odd += 1
    if problem is None and odd and not rights:
        problem = ServiceUnavailable.about(account, "nothing in GRDF's list of rights could be read")
    return Rights(tuple(rights), odd, problem)


def usable_right(rights: Iterable[AccessRight], pce: str, today: date) -> AccessRight | None:
    """Pick the right under which a meter's daily data may be read today.

    A meter may have several: a new consent adds one and the old ones stay listed.

    :param rights: all rights known, of any meter.
    :param pce: the meter.
    :param today: civil date in Paris.
    :return: an active right on consumption that covers today and daily data: of several, the one that lasts longest.
    """
    usable = [
        right
        for right in rights
        if right.pce == pce
        and right.state == "active"
        and right.role in ("", *_GAS_USE_ROLES)
        and right.informative is not False
        and (right.first is None or right.first <= today)
        and (right.last is None or right.last >= today)
    ]
    return max(usable, key=lambda right: (right.last or date.max, right.created or date.min), default=None)


def dated(consent: Consent, rights: Iterable[AccessRight], today: date) -> Consent:
    """Put the dates of its right into a consent, which no `id_token` tells.

    :param consent: the consent.
    :param rights: all rights known, of any meter.
    :param today: civil date in Paris.
    :return: the consent as it was when no right can be used: the call for data then says why, in GRDF's own words.
    """
    right = usable_right(rights, consent.pce, today)
    if right is None:
        return consent
    return replace(right.consent(), id_accreditation=consent.id_accreditation or right.id)


def consent_state(rights: Iterable[AccessRight], pce: str, today: date) -> str:
    """Say in plain words how a meter's consent stands.

    :param rights: all rights known, of any meter.
    :param pce: the meter.
    :param today: civil date in Paris.
    """
    mine = [right for right in rights if right.pce == pce]
    if not mine:
        return "no consent is listed"
    right = usable_right(mine, pce, today)
    if right is not None:
        return "active" + (f" until {right.last}" if right.last else "")
    newest = max(mine, key=lambda each: (each.stands, each.created or date.min))
    if newest.state == "active":
        if newest.informative is False:
            return "active, but without daily (informative) data"
        if newest.last is not None and newest.last < today:
            return f"ended on {newest.last}"
        if newest.first is not None and newest.first > today:
            return f"starts on {newest.first}"
        return "active, but for another role"
    text = newest.state or "in an unknown state"
    if newest.state == "revoked":
        text += f" on {newest.revoked}" if newest.revoked else ""
        text += f" by {newest.revoked_by}" if newest.revoked_by else ""
    return text


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    word = fold(value)
    return True if word in ("vrai", "true", "oui") else False if word in ("faux", "false", "non") else None


def _refused(cause: str, account: str | None) -> IdTokenRefused:
    return IdTokenRefused.about(
        account,
        f"the id_token is genuine but its {cause}",
        "Nothing was changed. The household should consent again and choose a meter; if it did, tell GRDF.",
    )
