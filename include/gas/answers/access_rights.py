"""GRDF's list of rights (``droits_acces``): what each line says, and whether a meter may be read under it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from include.gas.answers.refusals import refusal_error, status_of
from include.gas.answers.scan import scan
from include.gas.answers.words import day_in, fold
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.days.windows import ONE_DAY
from include.gas.errors import GasError, ServiceUnavailable

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
class AccessRight:
    """One line of ``droits_acces``.

    :param id: GRDF's id of the right.
    :param pce: the meter.
    :param role: ``role_tiers`` in small letters.
    :param state: ``etat_droit_acces`` in plain words, or GRDF's own word in small letters when we do not know it.
    :param first: first civil day we may call, None for no bound.
    :param last: last civil day we may call, None for no bound.
    :param data_first: first gas day it covers, None for no bound.
    :param data_end: ``perim_donnees_conso_fin``, read as the gas day from which it covers nothing; None for no bound.
    :param informative: whether daily data are in its perimeter; None when GRDF does not say (holders of the contract).
    :param published: the same for published data.
    :param contractual: the same for contract data.
    :param technical: the same for data of the meter.
    :param created: day it was made, or None.
    :param revoked: day it was revoked, or None.
    :param revoked_by: who revoked it, GRDF's word in small letters, or "".
    :param created_at: when it was made, UTC text; "" when GRDF does not say.
    :param revoked_at: the same for its end.
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
    created_at: str = field(default="", compare=False)
    revoked_at: str = field(default="", compare=False)

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
            created_at=moment_in(fields.get("date_creation")),
            revoked_at=moment_in(fields.get("date_revocation")),
        )

    @property
    def stands(self) -> bool:
        """Whether it is in force or may still come into force, so that a leaving household has it revoked."""
        return self.state in ("active", "waiting for the holder")

    def over_at(self, today: date) -> str:
        """Return since when calls can be made under it no more, UTC text; "" when they can be or it is not known.

        :param today: civil date in Paris.
        """
        ended = moment_in(self.last + ONE_DAY) if self.last is not None and self.last < today else ""
        return min(filter(None, (self.revoked_at, ended)), default="")


@dataclass(frozen=True, slots=True)
class Rights:
    """An answer of ``droits_acces``.

    :param rights: in the order of the answer.
    :param odd: how many objects were neither a right nor a status, or could not be read.
    :param problem: the error to raise, or None.
    """

    rights: tuple[AccessRight, ...] = ()
    odd: int = 0
    problem: GasError | None = None


def moment_in(value: object) -> str:
    """Read when something happened to a right, as UTC text; "" when it is not said.

    Without a zone it is Paris time; were it UTC, this is an hour or two early. Of a date alone it is the day's start.

    :param value: a field of ``droits_acces``.
    """
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return ""
    return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=PARIS))


def is_pce(text: object) -> bool:
    """Return whether a text is a meter's id: 14 digits, or GI and 6 digits.

    :param text: the id.
    """
    return isinstance(text, str) and _PCE.fullmatch(text) is not None


def read_rights(text: str | bytes, *, account: str | None, pce: str | None = None) -> Rights:
    """Read an answer of ``droits_acces``.

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
        problem = ServiceUnavailable.about(account, "GRDF's list of rights could not be read")
    return Rights(tuple(rights), odd, problem)


def is_usable(right: AccessRight, today: date) -> bool:
    """Return whether a meter's daily data may be read under a right today.

    :param right: the right.
    :param today: civil date in Paris.
    :return: whether it is active, on consumption, and covers today and daily data.
    """
    return (
        right.state == "active"
        and right.role in ("", *_GAS_USE_ROLES)
        and right.informative is not False
        and (right.first is None or right.first <= today)
        and (right.last is None or right.last >= today)
    )


def usable_right(rights: Iterable[AccessRight], pce: str, today: date) -> AccessRight | None:
    """Pick the right under which a meter's daily data may best be read today, whoever gave it.

    :param rights: all rights known, of any meter.
    :param pce: the meter.
    :param today: civil date in Paris.
    :return: of several that are usable, one whose days of gas use go on, then the one that lasts longest.
    """
    usable = [right for right in rights if right.pce == pce and is_usable(right, today)]

    def worth(right: AccessRight) -> tuple[bool, date, date]:
        goes_on = right.data_end is None or right.data_end > today
        return goes_on, right.last or date.max, right.created or date.min

    return max(usable, key=worth, default=None)


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
