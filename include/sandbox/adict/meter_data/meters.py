"""The meters that exist, and their holders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from include.sandbox.adict.meter_data import synthetic

REAL_PCE: Final = "09999999900017"
_FORM = re.compile(r"\d{14}|GI\d{6}")
_FLEET_EMAIL = re.compile(r"foyer-(\d{1,7})(?:-(\d))?@.*")


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that GRDF knows."""

    pce: str

    @property
    def kind(self) -> str:
        """Whether its data are ``real`` or ``synthetic``."""
        return "real" if self.pce == REAL_PCE else "synthetic"

    @property
    def postcode(self) -> str:
        """An invented postcode in Lyon."""
        return f"6900{1 + synthetic.draw_number(self.pce, 'postcode') % 9}"

    @property
    def yearly_use(self) -> int:
        """Its reference consumption, kWh per year."""
        return 22_300 if self.kind == "real" else synthetic.yearly_use(self.pce)


@dataclass(frozen=True, slots=True)
class Holder:
    """An invented person who may consent for some meters, by e-mail address in a ``login_hint``."""

    first_name: str
    last_name: str
    email: str
    pces: tuple[str, ...]


# With the real figures, with two meters, and with the consent that the demo revokes.
DEMO_HOLDERS: Final = (
    Holder("Camille", "Exemple", "camille@example.org", (REAL_PCE,)),
    Holder("Dominique", "Exemple", "dominique@example.org", ("09999990000042", "GI999042")),
    Holder("Sacha", "Exemple", "sacha@example.org", ("09999990000073",)),
)


def well_formed(pce: str) -> bool:
    """Return whether a text has the form of a PCE."""
    return _FORM.fullmatch(pce) is not None


def find_meter(pce: str) -> Meter | None:
    """Return the meter with that id, if GRDF knows it."""
    return Meter(pce) if pce == REAL_PCE or synthetic.is_synthetic(pce) else None


def holder_of(login_hint: str) -> Holder:
    """Return the holder in a ``login_hint`` (first name, last name, e-mail, third party), or an invented one.

    ``foyer-<n>@...`` holds the fleet meter ``0999999`` followed by n in 7 digits; ``foyer-<n>-<k>@...`` holds k meters
    from n on.
    """
    first_name, last_name, email = ([field.strip() for field in login_hint.split(";")] + [""] * 3)[:3]
    email = email.lower()
    for holder in DEMO_HOLDERS:
        if holder.email == email or "@" not in email:
            return holder
    if fleet := _FLEET_EMAIL.fullmatch(email):
        start, count = int(fleet[1]), int(fleet[2] or 1)
        pces = tuple(f"0999999{(start + n) % 10_000_000:07}" for n in range(count))
    else:
        pces = (f"0999999{synthetic.draw_number(email) % 10_000_000:07}",)
    return Holder(first_name or "Titulaire", last_name or "Exemple", email, pces)


def known_holder(pce: str) -> Holder:
    """Return the holder to name on a right made without the consent page."""
    for holder in DEMO_HOLDERS:
        if pce in holder.pces:
            return holder
    return Holder("Titulaire", f"Exemple {pce[-4:]}", f"foyer-{pce[-7:].lower()}@example.org", (pce,))
