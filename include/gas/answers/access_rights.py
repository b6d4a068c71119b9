"""GRDF's list of rights (``droits_acces``), and which of them allow reading a meter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from include.gas.answers.french_words import day_in, fold, fold_address, moment_in
from include.gas.answers.json_objects import find_objects
from include.gas.answers.proof_state import proof_deadline, proof_state
from include.gas.answers.refusals import refusal_error, status_of
from include.gas.errors import GasError, ServiceUnavailable

PCE = re.compile(r"[0-9]{14}|GI[0-9]{6}")
_RIGHT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD = re.compile(r"\w+")
ON_SITE = "client_connect"
WAITING = "waiting for the holder"
"""The state of a declared right until its holder has answered GRDF's e-mail."""
_STATES = {
    "active": "active",
    "a valider": WAITING,
    "revoquee": "revoked",
    "a reverifier": "to be checked again by GRDF",
    "obsolete": "obsolete",
    "refusee": "refused",
}


class Role(StrEnum):
    """``role_tiers``: what the contract of a right is about, and whether it is our own, so that nobody consents."""

    SUPPLY = "autorise_contrat_fourniture"
    OWN_SUPPLY = "detenteur_contrat_fourniture"
    INJECTION = "autorise_contrat_injection"
    OWN_INJECTION = "detenteur_contrat_injection"

    @property
    def is_own(self) -> bool:
        """Whether the contract is our own, as a city's for its buildings."""
        return self in (Role.OWN_SUPPLY, Role.OWN_INJECTION)

    @property
    def is_injection(self) -> bool:
        """Whether it is about gas that its holder, such as a producer of biomethane, puts into the network."""
        return self in (Role.INJECTION, Role.OWN_INJECTION)

    @classmethod
    def from_word(cls, value: object) -> Role | None:
        """Return GRDF's role; that of a supply if GRDF names none, ``None`` for an unknown word."""
        word = fold(value) or cls.SUPPLY
        return cls(word) if word in {*cls} else None


@dataclass(frozen=True, slots=True)
class AccessRight:
    """One line of ``droits_acces``. ``first`` to ``last`` are civil days for calls; ``None`` is no bound.

    :param role: ``None`` for an unknown one
    :param state: ``etat_droit_acces`` in plain words; an unknown word of GRDF's in lower case
    :param data_first: first gas day covered
    :param data_end: ``perim_donnees_conso_fin`` or ``_inj_fin``, read as the first gas day not covered
    :param informative: whether it includes daily data; ``None`` if not said, as for contract holders
    :param created_at: UTC text; ``""`` if unknown
    :param holder: name or company, e-mail address and postcode, each folded
    """

    id: str
    pce: str
    role: Role | None
    state: str
    first: date | None = None
    last: date | None = None
    data_first: date | None = None
    data_end: date | None = None
    informative: bool | None = None
    published: bool | None = None
    created: date | None = None
    revoked: date | None = None
    created_at: str = field(default="", compare=False)
    made_on_site: bool = field(default=False, compare=False)
    holder: tuple[str, str, str] = field(default=("", "", ""), compare=False, repr=False)
    proof: str = field(default="", compare=False)
    proof_until: date | None = field(default=None, compare=False)

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> AccessRight | None:
        """Return the right in a line; ``None`` for the status line and for lines without a meter or an id."""
        fields = {key.rstrip(": "): value for key, value in line.items()}
        pce, right = fields.get("id_pce"), fields.get("id_droit_acces")
        if not (isinstance(pce, str) and isinstance(right, str)):
            return None
        if not is_pce(pce.strip()) or not is_right_id(right.strip()):
            return None
        state = fold(fields.get("etat_droit_acces"))
        if state in ("revoque", "refuse"):  # GRDF uses both genders
            state += "e"
        role = Role.from_word(fields.get("role_tiers"))
        perimeter = "perim_donnees_inj" if role and role.is_injection else "perim_donnees_conso"
        return cls(
            id=right.strip(),
            pce=pce.strip(),
            role=role,
            state=_STATES.get(state, state),
            first=day_in(fields.get("date_debut_droit_acces")),
            last=day_in(fields.get("date_fin_droit_acces")),
            data_first=day_in(fields.get(f"{perimeter}_debut")),
            data_end=day_in(fields.get(f"{perimeter}_fin")),
            informative=_flag(fields.get("perim_donnees_informatives")),
            published=_flag(fields.get("perim_donnees_publiees")),
            created=day_in(fields.get("date_creation")),
            revoked=day_in(fields.get("date_revocation")) or day_in(fields.get("date_passage_a_obsolete")),
            created_at=moment_in(fields.get("date_creation")),
            made_on_site=fold(fields.get("parcours")) == ON_SITE,
            holder=(
                fold(fields.get("nom_titulaire")) or fold(fields.get("raison_sociale_du_titulaire")),
                fold_address(fields.get("courriel_titulaire")),
                fold(fields.get("code_postal")),
            ),
            proof=proof_state(fields.get("statut_controle_preuve")),
            proof_until=proof_deadline(fields.get("date_limite_transmission_preuve")),
        )

    @property
    def is_wide_enough(self) -> bool:
        """Whether it includes what is read under it: daily data, or what was injected."""
        allows = self.published if self.role and self.role.is_injection else self.informative
        return self.role is not None and allows is not False

    @property
    def is_live(self) -> bool:
        """Whether it is or may come into force, so that a deletion must revoke it."""
        return self.state in ("active", WAITING)

    def is_held_by(self, name: str, email: str) -> bool:
        """Return whether its holder has this address, or, where GRDF names none, this name."""
        holder, address, _ = self.holder
        return fold_address(email) == address if address else is_same_name(holder, name)

    def has_holder_of(self, other: AccessRight) -> bool:
        """Return whether GRDF names the same person on both: the same e-mail address, and a name that fits.

        Stricter than :meth:`is_held_by`, since nobody looks at it: without an address it is never so.
        """
        (name, address, _), (other_name, other_address, _) = self.holder, other.holder
        return bool(address) and address == other_address and is_same_name(name, other_name)


def is_same_name(one: str, other: str) -> bool:
    """Return whether two names may be of one holder: GRDF adds first names, so one may contain the other."""
    words, others = ({*_WORD.findall(fold(each))} for each in (one, other))
    return bool(words and others) and (words <= others or others <= words)


@dataclass(frozen=True, slots=True)
class RightsList:
    """A parsed answer of ``droits_acces``; ``odd`` counts objects that were neither a right nor a status."""

    rights: tuple[AccessRight, ...] = ()
    odd: int = 0


def is_right_id(text: str) -> bool:
    """Return whether a text can be GRDF's id of a right: UUIDs, and other short words."""
    return _RIGHT.fullmatch(text) is not None


def is_pce(text: object) -> bool:
    """Return whether a text is a meter's number: 14 digits, or ``GI`` and 6 digits."""
    return isinstance(text, str) and PCE.fullmatch(text) is not None


def parse_rights(text: str | bytes, *, account: str | None) -> RightsList:
    """Parse an answer of ``droits_acces``; ``GasError`` if GRDF refuses or nothing is readable."""
    found = find_objects(text)
    rights, refusals, odd = list[AccessRight](), list[GasError](), len(found.broken)
    for line in found.objects:
        right, (code, message) = AccessRight.from_line(line), status_of(line)
        if right is not None:
            rights.append(right)
        elif not (code or message):
            odd += 1
        # GRDF sends an empty list as a status line "no right". That is no error.
        elif "aucun droit" not in fold(message):
            error = refusal_error(code, message, account=account, pce=None, quoted=False)
            refusals += [error] if error else []
    if refusals and not rights:
        raise refusals[0]
    odd += bool(refusals)  # a line about one of several meters says nothing of the rights beside it
    if odd and not rights:
        raise ServiceUnavailable.about(account, "GRDF's list of rights could not be read")
    return RightsList(tuple(rights), odd)


def is_usable(right: AccessRight, today: date) -> bool:
    """Return whether a right allows reading today."""
    return (
        right.state == "active"
        and right.is_wide_enough
        and (right.first is None or right.first <= today)
        and (right.last is None or right.last >= today)
    )


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    word = fold(value)
    return True if word in ("vrai", "true", "oui") else False if word in ("faux", "false", "non") else None
