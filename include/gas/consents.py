"""Consents (`droits d'accès`): which meters a household opened to us, for which days, and whether it still stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from include.gas.days import PARIS, utc_text
from include.gas.errors import GasError, IdTokenRefused, ServiceUnavailable
from include.gas.refusals import refusal_error, status_of
from include.gas.scan import scan
from include.gas.windows import ONE_DAY, Window
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
    """The right to read one meter, or several of them: all that the account brought itself.

    GRDF's calls for data go by the meter alone and succeed as long as any right of ours on it is in force, whoever gave
    it. So it is for us to keep to the rights whose ids the account has: what follows here says which days they cover.

    :param pce: the meter.
    :param id_accreditation: GRDF's id of the newest right that the account brought, needed to revoke it (also called
        `id_droit_acces`), or None when it was never learnt.
    :param first: first gas day it covers, None for no bound.
    :param end: gas day from which it covers nothing, None for no bound.
    :param calls_until: last civil day on which GRDF may be asked under it, None for no bound or when it is not known.
    :param unusable: in plain words, how it stands when GRDF's list says that nothing may be read under it, else "".
    :param told: when GRDF was asked for the list that said so, UTC text, or "": an older list does not take it back.
    :param brought: when the account brought it, UTC text, or "": a list that is older says nothing of it.
    :param looked: for a meter whose own right was never learnt: the day on which it was looked for first.
    :param seen: for such a meter: the rights that lists have shown on it since, each with the first day of that.
    :param others: the rights on the same meter that the account brought before, newest first; theirs are empty.
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
    others: tuple[Consent, ...] = ()

    @property
    def rights(self) -> tuple[Consent, ...]:
        """All rights that the account brought, each for itself, newest first."""
        return (replace(self, others=()), *self.others)

    @property
    def own(self) -> frozenset[str]:
        """GRDF's ids of all of them, whether they can still be used or not."""
        return frozenset(right.id_accreditation for right in self.rights if right.id_accreditation)

    @property
    def ids(self) -> tuple[str, ...]:
        """GRDF's ids of those under which the meter is read, newest first."""
        return tuple(each.id_accreditation for each in self.rights if each.id_accreditation and not each.unusable)

    @property
    def lost(self) -> bool:
        """Whether none of them can be used, by the last look into GRDF's list."""
        return all(right.unusable for right in self.rights)

    @property
    def is_dated(self) -> bool:
        """Whether GRDF's list has said how far each right reaches that can be used."""
        rights = [right for right in self.rights if not right.unusable]
        return all(right.first or right.end or right.calls_until for right in rights)

    def usable(self, today: date) -> tuple[Consent, ...]:
        """Give those under which GRDF may be asked on a day.

        :param today: civil date in Paris.
        """
        return tuple(
            right
            for right in self.rights
            if not right.unusable and (right.calls_until is None or right.calls_until >= today)
        )

    def covered(self, window: Window, today: date | None = None) -> tuple[Window, ...]:
        """Cut a window down to the days that any usable right covers: one window for each stretch, in order.

        :param window: gas days.
        :param today: civil date in Paris on which GRDF is asked; None counts all that are in force by the last look.
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

    @property
    def opens(self) -> date | None:
        """First gas day that any usable right covers, None for no bound."""
        firsts = [right.first for right in self._telling]
        return None if None in firsts else min(day for day in firsts if day)

    @property
    def closes(self) -> date | None:
        """Gas day from which no usable right covers anything, None for no bound."""
        ends = [right.end for right in self._telling]
        return None if None in ends else max(day for day in ends if day)

    @property
    def until(self) -> date | None:
        """Last day on which any of them is of use, None when no end is known.

        GRDF lets the household choose both: for how long we may ask, and the days of gas use that we may ask for.
        """
        ends = [
            min((day for day in (each.calls_until, each.end and each.end - ONE_DAY) if day), default=None)
            for each in self._telling
        ]
        return None if None in ends else max(day for day in ends if day)

    @property
    def _telling(self) -> tuple[Consent, ...]:
        """Those that can be used; all of them when none can, since they tell what there was."""
        return tuple(right for right in self.rights if not right.unusable) or self.rights

    def as_json(self) -> dict[str, Any]:
        """Return the entry of an account document."""
        entry: dict[str, Any] = {"pce": self.pce, "id_accreditation": self.id_accreditation}
        for name in ("first", "end", "calls_until", "looked"):
            day = getattr(self, name)
            if day is not None:
                entry[name] = day.isoformat()
        entry |= {name: text for name in ("unusable", "told", "brought") if (text := getattr(self, name))}
        if self.seen:
            entry["seen"] = {right: day.isoformat() for right, day in self.seen}
        if self.others:
            entry["others"] = [other.as_json() for other in self.others]
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
        """Tell since when calls can be made under it no more, UTC text; "" when they can be or it is not known.

        :param today: civil date in Paris.
        """
        ended = moment_in(self.last + ONE_DAY) if self.last is not None and self.last < today else ""
        return min(filter(None, (self.revoked_at, ended)), default="")

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


def moment_in(value: object) -> str:
    """Read when something happened to a right, as UTC text; "" when it is not said.

    Without a zone it is Paris time; were it UTC, this is an hour or two early. Of a date alone it is the day's start.

    :param value: a field of `droits_acces`.
    """
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return ""
    return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=PARIS))


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
        problem = ServiceUnavailable.about(account, "GRDF's list of rights could not be read")
    return Rights(tuple(rights), odd, problem)


def is_usable(right: AccessRight, today: date) -> bool:
    """Tell whether a meter's daily data may be read under a right today.

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


def own_right(consent: Consent, rights: Iterable[AccessRight], today: date) -> AccessRight | None:
    """Find the right of a consent in GRDF's list by its id, None when it is not there or cannot be used.

    :param consent: the consent; of several rights the newest counts.
    :param rights: all rights known, of any meter.
    :param today: civil date in Paris.
    """
    mine = (right for right in rights if right.pce == consent.pce and right.id == consent.id_accreditation)
    return next((right for right in mine if is_usable(right, today)), None)


def told(consent: Consent, rights: Iterable[AccessRight], today: date, asked_at: datetime | str) -> Consent:
    """Put what GRDF's list says of its own rights into a consent: their dates, and which cannot be used.

    A right of another id changes nothing: it may be that of whoever lives there now.

    :param consent: the consent.
    :param rights: all rights of ours on the meter, or of any.
    :param today: civil date in Paris.
    :param asked_at: when GRDF was asked for the list, aware: it cannot hold what was brought later.
    """
    listed = {right.id: right for right in rights if right.pce == consent.pce}
    moment = datetime.fromisoformat(asked_at) if isinstance(asked_at, str) else asked_at

    def is_newer(text: str) -> bool:  # by far newer: some clock was wrong
        return utc_text(moment) < text < utc_text(moment + ONE_DAY)

    def one(mine: Consent) -> Consent:
        right = listed.get(mine.id_accreditation or "")
        if mine.unusable and is_newer(mine.told):
            return mine
        if right is None:
            if mine.id_accreditation is None or is_newer(mine.brought):
                return mine
            return replace(mine, unusable=consent_state((), consent.pce, today), told=utc_text(moment))
        state = "" if is_usable(right, today) else consent_state((right,), consent.pce, today)
        return replace(right.consent(), unusable=state, told=utc_text(moment) if state else "", brought=mine.brought)

    newest, *others = (one(mine) for mine in consent.rights)
    return replace(newest, others=tuple(others))


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
