"""What GRDF knows of each meter besides its gas: its contract and how often it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.answers.contract import Contract, has_daily_data, no_daily_data
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.documents.totals import Number


class MeterFacts(MeterSection, frozen=True):
    """What is known of a meter. What could not be read this time keeps its former value.

    :param frequency: how often it is read: ``1M``, ``MM``, ``6M``, ``JJ`` or another word of GRDF's
    :param tariff: ``tarif_acheminement``: T1 to T4 or TP
    :param profile: ``profil_type_actuel``, such as P012
    :param car: reference use in kWh a year
    :param car_next: the coming one
    :param cja: capacity in kWh a day; residential meters have none
    :param commissioned: the day the meter was put into service
    :param daily_data: whether GRDF has daily data of it; null when the frequency does not say
    :param message: in words, that it has none
    :param refused: in words, why GRDF did not tell its ``contract`` or its ``technical`` facts
    :param id_accreditation: GRDF's id of the right under which they were read
    :param read_at: when, UTC
    """

    key: ClassVar[str] = "meter_facts"
    written_by: ClassVar[str] = "the monthly reading (`grdf_published`), at once for a new consent"

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
    """Return whether a meter may give daily data, as far as is known.

    :param document: the account document
    :param pce: the meter
    """
    facts = MeterFacts.of(document, pce)
    return facts is None or facts.daily_data is not False


def with_meter_facts(
    document: Mapping[str, Any],
    consent: Consent,
    *,
    read_at: datetime | str,
    contract: Contract | None,
    frequency: str | None,
    refused: Mapping[str, str],
) -> Document:
    """Note what is known of a meter. What could not be read this time keeps its former value.

    :param document: the account document
    :param consent: the meter, under its present consent
    :param read_at: when GRDF was asked, aware
    :param contract: its contract, or None when it could not be read
    :param frequency: how often it is read, or None when that could not be read
    :param refused: in words, why something could not be read: ``contract``, ``technical``
    :return: a new document
    """
    former = MeterFacts.raw(document, consent.pce)
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
    if message := no_daily_data(str(document.get("_id")), consent.pce, known):
        entry["message"] = message
    if refused:
        entry["refused"] = dict(refused)
    entry |= {"id_accreditation": consent.id_accreditation, "read_at": utc_text(read_at)}
    return MeterFacts.put(document, consent.pce, entry)
