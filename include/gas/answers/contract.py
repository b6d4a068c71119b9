"""A meter's contract and how often GRDF reads it (ADICT 3.4 and 3.5).

Only the reading frequency is taken from the technical data. The address in them is personal and not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.answers.fields import is_about, number_in
from include.gas.answers.refusals import refusal_error, status_of
from include.gas.answers.scan import scan
from include.gas.answers.words import day_in, text_of
from include.gas.errors import ServiceUnavailable
from include.gas.meter_tag import meter_tag

_DAILY = {"1M": True, "MM": True, "6M": False, "JJ": False}


@dataclass(frozen=True, slots=True)
class Contract:
    """A meter's contract.

    :param tariff: ``tarif_acheminement``: T1 to T4 or TP; ``""`` if unknown
    :param profile: ``profil_type_actuel``, such as P012; ``""`` if unknown
    :param car: annual reference consumption in kWh; ``None`` if unknown
    :param car_next: the next annual reference consumption in kWh; ``None`` if unknown
    :param cja: daily capacity in kWh; ``None`` if there is none, as for residential meters
    :param commissioned: ``date_mes``, the day on which the meter was put into service; ``None`` if unknown
    """

    tariff: str = ""
    profile: str = ""
    car: int | float | None = None
    car_next: int | float | None = None
    cja: int | float | None = None
    commissioned: date | None = None


def read_contract(text: str | bytes, *, account: str, pce: str) -> Contract | None:
    """Parse an answer of ``donnees_contractuelles``.

    :param text: the body as received; ``car`` and ``cja`` may be numbers or objects in it
    :return: ``None`` when GRDF says that it has no contract data
    :raises GasError: if GRDF refuses, or if the answer cannot be read
    """
    facts = _facts(text, "donnees_contractuelles", account=account, pce=pce)
    if facts is None:
        return None
    profile = facts.get("profil")
    return Contract(
        tariff=text_of(facts.get("tarif_acheminement")).upper()[:20],
        profile=text_of(profile.get("profil_type_actuel") if isinstance(profile, Mapping) else profile)[:20],
        car=_figure(facts.get("car"), "car_actuelle"),
        car_next=_figure(facts.get("car"), "car_future", alone=False),
        cja=_figure(facts.get("cja"), "cja"),
        commissioned=day_in(facts.get("date_mes")),
    )


def read_frequency(text: str | bytes, *, account: str, pce: str) -> str:
    """Return a meter's reading frequency from an answer of ``donnees_techniques``.

    :return: ``1M``, ``MM``, ``6M``, ``JJ`` or another code of GRDF's; ``""`` when it does not say
    :raises GasError: if GRDF refuses, or if the answer cannot be read
    """
    facts = _facts(text, "donnees_techniques", account=account, pce=pce) or {}
    meter = facts.get("caracteristiques_compteur")
    return text_of(meter.get("frequence")).upper()[:20] if isinstance(meter, Mapping) else ""


def has_daily_data(frequency: str) -> bool | None:
    """Return whether GRDF has daily data for meters with a reading frequency.

    :param frequency: ``frequence``: there are daily data for ``1M`` (households) and ``MM``, but not for ``6M`` and
        ``JJ``
    :return: ``None`` for any other code
    """
    return _DAILY.get(frequency)


def no_daily_data(account: str, pce: str, frequency: str) -> str:
    """Return a message saying that a meter has no daily data; ``""`` if it has, or if we do not know.

    :param frequency: ``frequence``, as in :func:`has_daily_data`
    """
    if has_daily_data(frequency) is not False:
        return ""
    said = f"Meter {meter_tag(account, pce)} has no daily data: GRDF reads it"
    if frequency == "JJ":
        return f"{said} for daily bills (frequency JJ). Its months and years come from them."
    return f"{said} every six months (frequency {frequency}). Its months and years come from these readings."


def _facts(text: str | bytes, key: str, *, account: str, pce: str) -> Mapping[str, Any] | None:
    found = scan(text)
    fine = False
    for line in found.objects:
        if not is_about(line, pce):
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


def _figure(value: object, name: str, *, alone: bool = True) -> int | float | None:
    """Return a number that is either the value itself or a member of an object."""
    bare = value if alone else None
    return number_in(value.get(name) if isinstance(value, Mapping) else bare)
