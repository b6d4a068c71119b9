"""The meters' documents, changed by compare-and-swap: of two accounts that want one, the second sees the first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from grdf import settings
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.compare_and_swap import change_document
from grdf.stores.free_days import FreeDays
from include.gas.account.account import Account
from include.gas.account.declaration import Declaration, has_personal_data, needs_declaration, without_person
from include.gas.account.declared_right import wanted_right
from include.gas.account.document_sections import parse_entry
from include.gas.account.state import settle_account
from include.gas.account.status import named_meters
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import LEASE, METER
from include.gas.documents.prices import NO_PRICES, PriceTable
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Meter, MeterAccess, access_to_meter, find_lasting_right
from include.gas.rights.transitions import Claimant

log = logging.getLogger(__name__)

ASKED = "rights-asked"
"""Id of the document with the times at which GRDF was last asked about all rights, by client."""
PRICE_TABLE = "~prices"
"""Id of the checked price table beside the meters: who stores a meter's days reads its rights anyway."""
Event = Callable[[Meter], Meter]
"""A change of a meter's rights, see :mod:`include.gas.rights.transitions`."""


class Ledger:
    """Reads and changes the meters' documents."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb
        self.prices = NO_PRICES
        """What gas costs, as of the last look at meters."""

    def fetch_meters(self, pces: Iterable[str]) -> dict[str, Meter]:
        """Return some meters by number; one without a document has no rights."""
        wanted = list(dict.fromkeys(pces))
        found = self._couchdb.fetch(METER, [*wanted, PRICE_TABLE]) if wanted else {}
        if PRICE_TABLE in found:
            self.prices = parse_entry(PriceTable, found.pop(PRICE_TABLE)) or NO_PRICES
        return {pce: _read(found[pce]) if pce in found else Meter(pce=pce) for pce in wanted}

    def fetch_readable_meters(self, pces: Collection[str]) -> list[Meter]:
        """Return the meters that have a document, without those that cannot be read."""
        readable = list[Meter]()
        for document in self._couchdb.fetch(METER, pces).values():
            with suppress(BadAccount):
                readable.append(_read(document))
        return readable

    def all_meters(self) -> Iterator[Meter]:
        """Yield all meters. An unreadable one is logged."""
        for document in self._couchdb.scan(METER, endkey="~"):  # before PRICE_TABLE
            try:
                yield _read(document)
            except BadAccount as error:
                log.error("%s", error)

    def meters_of_account(self, account: str) -> list[Meter]:
        """Return the meters to which an account has a right, by reading all meters.

        :raises BadAccount: if one that names the account cannot be read
        """
        documents = (each for each in self._couchdb.scan(METER) if f"'account': {account!r}" in str(each))
        return [meter for meter in map(_read, documents) if meter.rights_of(account)]

    def read_prices(self) -> PriceTable:
        """Return the stored price table; an empty one if it cannot be read, for the next run writes it anew."""
        return parse_entry(PriceTable, self._couchdb.get(METER, PRICE_TABLE) or {}) or NO_PRICES

    def store_prices(self, table: PriceTable) -> None:
        """Store the price table in place of the former one."""
        stored = self._couchdb.get(METER, PRICE_TABLE) or {"_id": PRICE_TABLE}
        self._couchdb.put(METER, stored | msgspec.to_builtins(table))

    def last_asked(self) -> dict[str, str]:
        """Return when GRDF was last asked about all rights, UTC text by client; unreadable ones are absent."""
        return _moments(self._couchdb.get(LEASE, ASKED) or {})

    def damaged_documents(self) -> Iterator[str]:
        """Yield the ids of derived documents that are there and cannot be read. They count as absent."""
        prices = self._couchdb.get(METER, PRICE_TABLE)
        if prices is not None and parse_entry(PriceTable, prices) is None:
            yield PRICE_TABLE
        asked = self._couchdb.get(LEASE, ASKED) or {}
        if len(_moments(asked)) < sum(not client.startswith("_") for client in asked):
            yield ASKED

    def note_asked(self, clients: Iterable[str]) -> None:
        """Note for the health check that GRDF was asked about all rights of some clients."""
        if now := dict.fromkeys(clients, utc_text(datetime.now(UTC))):
            stored = self._couchdb.get(LEASE, ASKED) or {}
            revision = {"_rev": stored["_rev"]} if stored else {}
            self._couchdb.put(LEASE, {"_id": ASKED, **revision, **_moments(stored), **now})

    def apply(self, pce: str, event: Event) -> Meter:
        """Apply an event, called once per try, and return the stored meter; ``OwnedByAnother`` if it is another's.

        A meter that the ledger does not know may be a deleted household's: its first free day is looked up then.
        """
        meter = Meter(pce=pce)

        def changed(stored: Document | None) -> Document | None:
            nonlocal meter
            before = _read(stored) if stored else Meter(pce=pce, free_from=FreeDays(self._couchdb).find(pce))
            meter = event(before)
            return stored if meter == before else _written(meter)

        written = change_document(self._couchdb, METER, lambda: self._couchdb.get(METER, pce), changed)
        return msgspec.structs.replace(meter, rev=written["_rev"]) if written else meter

    def apply_if_readable(self, pce: str, event: Event) -> dict[str, Meter]:
        """As :meth:`apply`, for one of many meters: an unreadable one is logged and left out."""
        try:
            return {pce: self.apply(pce, event)}
        except BadAccount as error:
            log.error("%s", error)
            return {}

    def access_of(self, document: Mapping[str, Any], meters: Mapping[str, Meter] | None = None) -> list[MeterAccess]:
        """Return what an account has of the meters that its document names, and of ``meters`` already read."""
        account, known = str(document["_id"]), dict(meters or {})
        named, given = dict(named_meters(document, account)), Declaration.from_document(document)
        declared = given.pce if given and needs_declaration(document) else ""
        today, shared = paris_today(datetime.now(UTC)), settings.meter_in_several_accounts()
        known |= self.fetch_meters(pce for pce in named if pce not in known)
        of_account = {pce: known[pce] for pce in (*named, *known)}.items()
        access = [
            access_to_meter(meter, account, today, shared=shared, declares=pce == declared, named=named.get(pce, ""))
            for pce, meter in of_account
        ]
        return [each for each in access if each.word != "none" or each.pce in (*named, declared)]

    def settle_account(self, document: Document, meters: Iterable[Meter] = ()) -> Document:
        """Return an account's document with its meters and state.

        Once a lasting right is known, the holder's personal data are removed.
        """
        now, known = datetime.now(UTC), {meter.pce: meter for meter in meters}
        if (given := Declaration.from_document(document)) and given.pce and has_personal_data(document):
            known = self.fetch_meters([given.pce] if given.pce not in known else []) | known
            if find_lasting_right(known[given.pce], str(document["_id"]), wanted_right(given), paris_today(now)):
                document = without_person(document)
        return settle_account(document, self.access_of(document, known), now)

    def read_account(self, document: Mapping[str, Any]) -> Account:
        """Return the account in a document, with what it has of its meters now; ``BadAccount`` if unreadable."""
        account = Account.from_document(document)
        return replace(account, meters=tuple(self.access_of(document)))


def claimant_now(account: str, client: str) -> Claimant:
    """Return an account and its client as claimant, now."""
    now = datetime.now(UTC)
    return Claimant(account, client, utc_text(now), paris_today(now), shared=settings.meter_in_several_accounts())


def _read(document: Mapping[str, Any]) -> Meter:
    try:
        meter = msgspec.convert(document, Meter)
        for right in meter.rights:
            _check_moment(right.since)
        return meter
    except msgspec.ValidationError as error:
        raise BadAccount.about(
            None,
            f"the rights to a meter cannot be read in com-grandlyon-grdf-meter ({error})",
            "Compare its document with docs/documents.md, and correct what another program has written.",
        ) from None


def _moments(asked: Mapping[str, Any]) -> dict[str, str]:
    return {client: at for client, at in asked.items() if not client.startswith("_") and isinstance(at, str)}


def _check_moment(text: str) -> None:
    try:
        utc_text(text)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        raise msgspec.ValidationError("the `since` of a right is no moment") from None


def _written(meter: Meter) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(meter)
    document["rights"] = document.get("rights", [])
    return document
