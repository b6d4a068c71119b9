"""A meter's contract and reading frequency (ADICT 3.4 and 3.5). The address beside them is not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from include.gas.answers.fields import is_about_meter, number_in, value_at
from include.gas.answers.french_words import text_of
from include.gas.answers.json_objects import find_objects
from include.gas.answers.refusals import refusal_error, status_of
from include.gas.errors import ServiceUnavailable
from include.gas.meter_tag import meter_tag


class Contract(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter's contract: ``tarif_acheminement``, ``profil_type_actuel``, and annual reference use in kWh."""

    tariff: str = ""
    profile: str = ""
    car: int | float | None = None


def parse_contract(text: str | bytes, *, account: str, pce: str) -> Contract | None:
    """Parse ``donnees_contractuelles``, ``None`` if GRDF has none; ``GasError`` if refused or unreadable."""
    facts = _facts(text, "donnees_contractuelles", account=account, pce=pce)
    if facts is None:
        return None
    profile, car = facts.get("profil"), facts.get("car")  # either may be an object or the value itself
    return Contract(
        tariff=text_of(facts.get("tarif_acheminement")).upper()[:20],
        profile=text_of(profile.get("profil_type_actuel") if isinstance(profile, Mapping) else profile)[:20],
        car=number_in(car.get("car_actuelle") if isinstance(car, Mapping) else car),
    )


def parse_frequency(text: str | bytes, *, account: str, pce: str) -> str:
    """Return the frequency code in ``donnees_techniques``, or ``""``; ``GasError`` if refused or unreadable."""
    facts = _facts(text, "donnees_techniques", account=account, pce=pce)
    return text_of(value_at(facts, "caracteristiques_compteur", "frequence")).upper()[:20]


def _facts(text: str | bytes, key: str, *, account: str, pce: str) -> Mapping[str, Any] | None:
    found = find_objects(text)
    fine = False
    for line in found.objects:
        if not is_about_meter(line, pce):
            continue
        code, message = status_of(line)
        refusal = refusal_error(code, message, account=account, pce=pce)
        if refusal is not None:
            raise refusal
        facts = line.get(key)
        if isinstance(facts, Mapping):
            return facts
        fine = fine or bool(code) or (key in line and facts is None)
    if fine or not (found.objects or found.broken):
        return None
    raise ServiceUnavailable.about(account, f"meter {meter_tag(account, pce)}: GRDF's answer ({key}) could not be read")
