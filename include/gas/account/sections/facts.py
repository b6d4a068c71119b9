"""What we know about each meter's contract, and how often GRDF reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.answers.contract import Contract, has_daily_data, no_daily_data
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document, is_number
from include.gas.documents.totals import Number
from include.gas.rights.meter_rights import Held


class MeterFacts(MeterSection, frozen=True):
    """The facts about a meter. Facts that could not be read keep their former values.

    :param frequency: how often GRDF reads the meter: ``1M``, ``MM``, ``6M``, ``JJ`` or another code of GRDF's
    :param tariff: ``tarif_acheminement``: T1 to T4 or TP
    :param profile: ``profil_type_actuel``, such as P012
    :param car: annual reference consumption in kWh
    :param car_next: the next annual reference consumption in kWh
    :param cja: daily capacity in kWh; residential meters have none
    :param commissioned: day on which the meter was put into service
    :param daily_data: whether GRDF has daily data for the meter; null when the frequency does not say
    :param message: says that the meter has no daily data, in words
    :param refused: why GRDF refused ``contract`` or ``technical`` data, in words
    :param id_accreditation: GRDF's id of the right under which the facts were read
    :param read_at: when GRDF was asked, UTC
    """

    key: ClassVar[str] = "meter_facts"

    frequency: str | None = None
    tariff: str | None = None
    profile: str | None = None
    car: Number | None = None
    car_next: Number | None = None
    cja: Number | None = None
    commissioned: date | None = None
    daily_data: bool | None = None
    message: str = ""
    refused: dict[str, str] = msgspec.field(default_factory=dict)
    id_accreditation: str | None = None
    read_at: str = ""


def may_be_daily(document: Mapping[str, Any], pce: str) -> bool:
    """Return whether GRDF may have daily data for a meter. Only ``False`` is certain."""
    facts = MeterFacts.of(document, pce)
    return facts is None or facts.daily_data is not False


def annual_use(document: Mapping[str, Any], pce: str) -> Number | None:
    """Return the annual reference consumption of a meter's contract in kWh; ``None`` if it is not known."""
    facts = MeterFacts.of(document, pce)
    return facts.car if facts and is_number(facts.car) else None


def with_meter_facts(
    document: Mapping[str, Any],
    held: Held,
    *,
    read_at: datetime | str,
    contract: Contract | None,
    frequency: str | None,
    refused: Mapping[str, str],
) -> Document:
    """Return the account document with the facts about a meter. Facts that could not be read keep their former values.

    :param held: what the account has of the meter
    :param read_at: when GRDF was asked, aware
    :param contract: the meter's contract; ``None`` if it could not be read
    :param frequency: the reading frequency; ``None`` if it could not be read
    :param refused: why ``contract`` or ``technical`` data could not be read, in words
    """
    former = MeterFacts.raw(document, held.pce)
    entry = {key: value for key, value in former.items() if key not in ("message", "refused")}
    if contract is not None:
        entry |= {
            "tariff": contract.tariff or None,
            "profile": contract.profile or None,
            "car": contract.car,
            "car_next": contract.car_next,
            "cja": contract.cja,
            "commissioned": contract.commissioned.isoformat() if contract.commissioned else None,
        }
    if frequency is not None:
        entry |= {"frequency": frequency or None, "daily_data": has_daily_data(frequency)}
    for name in ("frequency", "tariff", "car", "daily_data"):
        entry.setdefault(name, None)
    known = entry["frequency"] if isinstance(entry["frequency"], str) else ""
    if message := no_daily_data(str(document.get("_id")), held.pce, known):
        entry["message"] = message
    if refused:
        entry["refused"] = dict(refused)
    entry |= {"id_accreditation": held.right or None, "read_at": utc_text(read_at)}
    return MeterFacts.put(document, held.pce, entry)


def without_late_facts(document: Mapping[str, Any], held: Held) -> Document:
    """Return the account document without facts that were read after a meter's last day: they may be the next one's.

    :param held: what the account has of the meter, for which GRDF may not be asked any more
    """
    facts = MeterFacts.of(document, held.pce)
    if facts is None or held.closes is None or facts.read_at < held.closes.isoformat():
        return dict(document)
    return MeterFacts.put(document, held.pce, None)
