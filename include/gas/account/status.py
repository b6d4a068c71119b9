"""What is known of an account's meters: Cozy's keys, and the section ``status``, which any run may write anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.document_sections import entry_to_json, object_or_empty, parse_entry, with_value
from include.gas.account.freshness import Freshness
from include.gas.account.grant import RESULTS, object_at, text_at
from include.gas.answers.access_rights import is_pce
from include.gas.answers.contract import Contract
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.day_documents import Document
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import MeterAccess

YEAR = re.compile("[0-9]{1,4}")


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read of a meter.

    :param whole_at: civil date in Paris of the last full read; ``since`` is its oldest gas day
    :param under: GRDF's ids of the rights of that read
    :param drift: what was new in GRDF's last answer
    :param answered: civil date in Paris of GRDF's last answer that is stored, whatever it said
    """

    years: dict[str, StoredYear] = msgspec.field(default_factory=dict)
    whole_at: date | None = None
    since: date | None = None
    under: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    answered: date | None = None

    def last_whole(self, access: MeterAccess, today: date) -> date | None:
        """Return the date of the last full read; ``None`` if a right is new since, or allows older days."""
        served = access.allowed_parts(Window(oldest_allowed(today), today))
        is_older = bool(served) and (self.since is None or served[0].first < self.since)
        return None if is_older or not set(access.own) <= set(self.under) else self.whole_at

    def by_year(self) -> dict[int, StoredYear]:
        """Return the summary of the stored days by year."""
        return {int(year): found for year, found in self.years.items() if YEAR.fullmatch(year)}


class Billing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the last monthly reading of a meter found.

    :param read_at: when GRDF was asked, or when stored periods were checked because it may not be asked
    :param under: GRDF's ids of the rights of that read; empty if GRDF was not asked
    :param until: first gas day after the newest stored billing period
    """

    read_at: str = ""
    under: tuple[str, ...] = ()
    frequency: str = ""
    contract: Contract = Contract()
    until: date | None = None
    refused: str = ""
    drift: tuple[str, ...] = ()

    def last_read(self, access: MeterAccess) -> date | None:
        """Return the date of the last full read; ``None`` if a right is new since, or GRDF may no longer be asked."""
        counts = set(access.own) <= set(self.under) if access.is_open else not self.under
        with suppress(ValueError, OverflowError):  # another program has damaged it
            return paris_today(datetime.fromisoformat(self.read_at)) if counts else None
        return None


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of an account as of the last look, by meter."""

    key: ClassVar[str] = "status"

    meters: dict[str, MeterAccess]
    readings: dict[str, Reading] = msgspec.field(default_factory=dict)
    billing: dict[str, Billing] = msgspec.field(default_factory=dict)
    freshness: dict[str, Freshness] = msgspec.field(default_factory=dict)

    @classmethod
    def access_of(cls, document: Mapping[str, Any]) -> dict[str, MeterAccess]:
        """Return the access to each meter by the account document. Entries that cannot be read are left out."""
        entries = object_or_empty(object_or_empty(document.get(cls.key)).get("meters")).items()
        return {pce: access for pce, entry in entries if (access := parse_entry(MeterAccess, entry)) is not None}

    @classmethod
    def with_access(cls, document: Mapping[str, Any], access: Iterable[MeterAccess]) -> Document:
        """Return the account document with the access to its meters in place of former entries."""
        return cls._with(document, "meters", {each.pce: entry_to_json(each) for each in access})

    @classmethod
    def reading_of(cls, document: Mapping[str, Any], pce: str) -> Reading:
        """Return what was read of a meter; empty if that cannot be understood."""
        return parse_entry(Reading, cls._entry(document, "readings", pce)) or Reading()

    @classmethod
    def with_reading(cls, document: Mapping[str, Any], pce: str, reading: Reading) -> Document:
        """Return the account document with what was read of a meter."""
        return cls._with_entry(document, "readings", pce, reading)

    @classmethod
    def billing_of(cls, document: Mapping[str, Any], pce: str) -> Billing:
        """Return what the monthly reading of a meter found; empty if that cannot be understood."""
        return parse_entry(Billing, cls._entry(document, "billing", pce)) or Billing()

    @classmethod
    def with_billing(cls, document: Mapping[str, Any], pce: str, billing: Billing) -> Document:
        """Return the account document with what a monthly reading found."""
        return cls._with_entry(document, "billing", pce, billing)

    @classmethod
    def freshness_of(cls, document: Mapping[str, Any], pce: str) -> Freshness:
        """Return how fresh a meter's days are; empty if that cannot be understood."""
        return parse_entry(Freshness, cls._entry(document, "freshness", pce)) or Freshness()

    @classmethod
    def with_freshness(cls, document: Mapping[str, Any], pce: str, fresh: Freshness) -> Document:
        """Return the account document with how fresh a meter's days are."""
        is_known = fresh == cls.freshness_of(document, pce)
        return dict(document) if is_known else cls._with_entry(document, "freshness", pce, fresh)

    @classmethod
    def is_damaged_in(cls, document: Mapping[str, Any]) -> bool:
        """Return whether an account document has a status that cannot be read in part: that part counts as absent."""
        stored = document.get(cls.key, {})
        if not isinstance(stored, Mapping):
            return True
        for name, kind in _ENTRIES.items():
            entries = stored.get(name, {})
            if not isinstance(entries, Mapping) or any(parse_entry(kind, entry) is None for entry in entries.values()):
                return True
        return False

    @classmethod
    def _entry(cls, document: Mapping[str, Any], name: str, pce: str) -> object:
        return object_or_empty(object_or_empty(document.get(cls.key)).get(name)).get(pce)

    @classmethod
    def _with_entry(cls, document: Mapping[str, Any], name: str, pce: str, entry: msgspec.Struct) -> Document:
        others = object_or_empty(object_or_empty(document.get(cls.key)).get(name))
        return cls._with(document, name, {**others, pce: entry_to_json(entry)})

    @classmethod
    def _with(cls, document: Mapping[str, Any], name: str, entries: Mapping[str, Any]) -> Document:
        kept = {key: value for key, value in object_or_empty(document.get(cls.key)).items() if key != name}
        return with_value(document, cls.key, (kept | {name: entries} if entries else kept) or None)


_ENTRIES: dict[str, type[msgspec.Struct]] = {
    "meters": MeterAccess,
    "readings": Reading,
    "billing": Billing,
    "freshness": Freshness,
}


def is_building(document: Mapping[str, Any]) -> bool:
    """Return whether an account has a meter of our own contracts, and so no household."""
    return any(access.role.is_own for access in Status.access_of(document).values())


def meters_in(document: Mapping[str, Any], account: str) -> tuple[MeterAccess, ...]:
    """Return the meters of an account document in order; ``BadAccount`` unless all can be understood."""
    known, named = Status.access_of(document), named_meters(document, account)
    return tuple(
        known.get(pce) or MeterAccess(pce=pce, right=right, own=(right,) if right else ()) for pce, right in named
    )


def named_meters(document: Mapping[str, Any], account: str) -> list[tuple[str, str]]:
    """Return the meters in an account document with their right's id or ``""``; ``BadAccount`` if unreadable."""
    results = object_at(document, RESULTS, account)
    listed = results.get("consents")
    if listed is not None and not isinstance(listed, list):
        raise BadAccount.about(account, "its list of consents is not a list")
    found: dict[str, str] = {}
    for entry in listed or []:
        pce = object_or_empty(entry).get("pce")
        if not isinstance(pce, str) or not is_pce(pce):
            raise BadAccount.about(account, "one of its consents names no valid meter")
        found[pce] = text_at(entry, "id_accreditation", account) or ""
    single = text_at(results, "pce_id", account)
    if single is not None and single not in found:
        if not is_pce(single):
            raise BadAccount.about(account, "its pce_id is not a valid meter")
        found[single] = ""
    return list(found.items())


def remembered_rights(document: Mapping[str, Any], account: str) -> list[tuple[str, str]]:
    """Return the meters and rights in an account document, in Cozy's form and in ``status``, older rights first.

    Cozy's form has one right a meter. A ledger that was lost gets the others back from ``status``.

    :raises BadAccount: if Cozy's form is unreadable
    """
    named = named_meters(document, account)
    rights = dict.fromkeys((pce, right) for pce, access in Status.access_of(document).items() for right in access.own)
    return [*rights, *(entry for entry in named if entry not in rights)]


def with_meters(document: Mapping[str, Any], access: Iterable[MeterAccess]) -> Document:
    """Return the account document with its meters, in Cozy's form and in ``status``.

    Cozy's ``pce_id`` is the first meter that may be read. A named right that the account lacks stays named: it may get
    it later. A meter for which only a declaration waits is not named.
    """
    meters = sorted(access, key=lambda each: not each.is_open)
    changed = Status.with_access(document, meters)
    former, named = object_or_empty(changed.get(RESULTS)), dict(named_meters(changed, str(changed.get("_id"))))
    meters = [each for each in meters if each.right or each.word not in ("behind", "none") or each.pce in named]
    if not meters:
        return changed
    rights = {each.pce: each.right or named.get(each.pce) for each in meters}
    consents = [{"pce": pce, "id_accreditation": right or None} for pce, right in rights.items()]
    changed[RESULTS] = {**former, "pce_id": meters[0].pce, "consents": consents}
    return changed
