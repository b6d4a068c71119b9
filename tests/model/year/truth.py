"""The truth of a year, kept by the simulation and by GRDF's own list of rights; it shares no code with the project.

It knows who **lived** behind which meter when, who **gave** which right, and what GRDF has of each meter.

* A gas day is **a household's own** if the household lived there on it, or nobody did, and a right that it gave covers
  the day: from the right's first day until its data end, its calls end, or the day on which it was revoked or replaced.
* A household **needs nothing** if a right that it gave is in force: GRDF may be asked today, and has data of today.
  Then nobody is to be told that it must consent. A right that waits for its holder's answer may ask for this answer.
* GRDF's outages are **known troubles**. On their days and the two after, the watch may say so.

What is judged, by number:

1. *Nothing foreign*: a stored day is its household's own, at the moment it is written and whenever all is looked at.
2. *No wrong total*: a month or a year is the sum of its stored days. Of a period whose days retention has removed, it
   is what it was just before.
3. *Whole*: days of the last 62 days that GRDF has are stored three mornings later, all others after four weeks.
4. *Nobody is asked in vain*: an account's state and the names in a mail are compared with who needs something.
5. *One mail a day at most*, and no run ends with an exception that is not the project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

ONE_DAY = timedelta(days=1)
Right = dict[str, Any]


@dataclass(frozen=True)
class Wrong:
    """Something that the truth contradicts. ``rule`` is a number of the module's text."""

    day: date
    account: str
    rule: int
    text: str


@dataclass
class Stay:
    """A household's time behind a meter; ``until`` is the first day on which it lives there no more."""

    account: str
    pce: str
    since: date
    until: date = date.max


@dataclass
class Book:
    """What the simulation writes down."""

    stays: list[Stay] = field(default_factory=list)
    account_of: dict[str, str] = field(default_factory=dict)
    """The accounts of households whose account has another name than they have."""
    events: list[tuple[date, str, str]] = field(default_factory=list)
    """Day, account (``""`` for the whole town), what happened."""
    deleted: dict[str, date] = field(default_factory=dict)
    trouble_until: date = date.min
    """The last day on which the watch may speak of GRDF."""
    restored_on: date = date.min
    changed_on: dict[tuple[str, date], date] = field(default_factory=dict)
    """When GRDF last changed a day of a meter, beyond what it does with each day."""

    def note(self, day: date, account: str, text: str) -> None:
        self.events.append((day, account, text))

    def events_of(self, account: str) -> Iterator[str]:
        for day, name, text in self.events:
            if name in (account, ""):
                yield f"{day} {text}"

    def events_since(self, account: str, day: date) -> bool:
        return any(name == account and when >= day for when, name, _ in self.events)

    def stays_of(self, account: str) -> list[Stay]:
        return [stay for stay in self.stays if stay.account == account]

    def stay_at(self, account: str, pce: str, day: date) -> Stay | None:
        for stay in self.stays_of(account):
            if stay.pce == pce and stay.since <= day < stay.until:
                return stay
        return None

    def leave(self, account: str, pce: str, day: date) -> None:
        for stay in self.stays_of(account):
            if stay.pce == pce and stay.until == date.max:
                stay.until = day

    def given_by(self, account: str, rights: list[Right]) -> list[Right]:
        return [right for right in rights if self.giver(right) == account]

    def giver(self, right: Right) -> str:
        """Return the account of the household that gave a right: its e-mail address names the household."""
        household = str(right["courriel_titulaire"]).partition("@")[0]
        return self.account_of.get(household, household)

    def is_own_day(self, account: str, day: date, pce: str, rights: list[Right]) -> bool:
        others = {stay.account for stay in self.stays if stay.pce == pce and stay.since <= day < stay.until} - {account}
        if account in self.deleted or others:
            return False
        given = self.given_by(account, rights)
        return any(first_day(right) <= day < end_day(right) for right in given if right["id_pce"] == pce)

    def needs_nothing(self, account: str, rights: list[Right], today: date) -> bool:
        return any(is_in_force(right, today) for right in self.given_by(account, rights))

    def waits_for_answer(self, account: str, rights: list[Right]) -> bool:
        return any(right["etat_droit_acces"] == "A valider" for right in self.given_by(account, rights))


def first_day(right: Right) -> date:
    return date.fromisoformat(right["perim_donnees_conso_debut"])


def end_day(right: Right) -> date:
    """Return the first gas day that a right does not cover; its first one if it was never in force."""
    if right["etat_droit_acces"] in ("A valider", "Refusée"):
        return first_day(right)
    ends = [right["perim_donnees_conso_fin"], right["date_revocation"], right["date_passage_a_obsolete"]]
    days = [date.fromisoformat(end[:10]) for end in ends if end]
    return min(*days, date.fromisoformat(right["date_fin_droit_acces"]) + ONE_DAY)


def is_in_force(right: Right, today: date) -> bool:
    if right["etat_droit_acces"] != "Active":
        return False
    begins = date.fromisoformat(right["date_debut_droit_acces"])
    return begins <= today and first_day(right) <= today < end_day(right)
