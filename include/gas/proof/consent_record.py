"""The record of a consent, made before its right is declared and kept for a while after a deletion."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import blake2b

import msgspec

from include.gas.account.declaration import Declaration, declaration_section
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document
from include.gas.rights.meter_rights import Meter

HOUSEHOLD = "household"
KEPT = "~"
"""Beginning of the ids of records without an account; no account id contains it."""
YOUNG = timedelta(days=60)
"""For how long a record is always needed: a declaration may be corrected, or wait for the end of a former right."""


class ConsentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text that a household agreed to, as it saw it, in ``fr`` or ``en``."""

    version: str
    language: str
    text: str


class ConsentRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record of a consent to a declared right. Only here the household's personal data are kept.

    :param id: ``<account>:<given>:<random>``; after a deletion ``~<last civil day on which it is kept>:<hash>``
    :param given: when it was given or recorded here, UTC
    :param agreed: the text that was ticked; absent if the household agreed elsewhere
    :param proof: where a proof given elsewhere is kept, in the operator's words
    """

    id: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")
    given: str
    by: str
    entered: Declaration
    account: str = ""
    agreed: ConsentText | None = None
    proof: str = ""

    def __repr__(self) -> str:
        """Return a text without personal data."""
        return f"ConsentRecord(account={self.account!r}, given={self.given!r})"


def new_record(
    account: str,
    declaration: Declaration,
    at: datetime,
    *,
    by: str,
    agreed: ConsentText | None = None,
    proof: str = "",
) -> ConsentRecord:
    """Return the record of a consent that was given, or recorded, at a moment. See :class:`ConsentRecord`."""
    given = utc_text(at)
    name = f"{account}:{given}:{secrets.token_hex(4)}"
    return ConsentRecord(id=name, account=account, given=given, by=by, agreed=agreed, proof=proof, entered=declaration)


def to_document(record: ConsentRecord) -> Document:
    """Return the document to store."""
    stored: Document = msgspec.to_builtins(record) | {"entered": declaration_section(record.entered)}
    return {key: value for key, value in stored.items() if value not in ("", None)}


def read_record(document: Mapping[str, object]) -> ConsentRecord | None:
    """Return a stored record; ``None`` if it cannot be read."""
    try:
        return msgspec.convert(document, ConsentRecord)
    except msgspec.ValidationError:
        return None


def is_needed(record: ConsentRecord, meter: Meter, now: datetime) -> bool:
    """Return whether a record may still prove a right of its account, or of a lost one."""
    rights = (right for right in meter.rights if right.state != "refused")
    proves = any(right.account in ("", record.account) or right.way == "adopted" for right in rights)
    return proves or record.given > utc_text(now - YOUNG)


def kept_copy(document: Mapping[str, object], left: date, days: int) -> Document:
    """Return the copy of a record that stays for ``days`` from ``left``, a date in Paris, without an account."""
    until = left + timedelta(days=days)
    name = blake2b(str(document["_id"]).encode(), digest_size=16).hexdigest()
    content = {key: value for key, value in document.items() if key not in ("_id", "_rev", "account")}
    return {"_id": f"{KEPT}{until.isoformat()}:{name}", **content}


def overdue_range(today: date) -> tuple[str, str]:
    """Return the first and last id of kept records that are overdue."""
    return KEPT, f"{KEPT}{today.isoformat()}"


def find_record(records: Iterable[ConsentRecord], right: AccessRight, declared: str = "") -> ConsentRecord | None:
    """Return a right's record: the newest of its holder that is not younger, or the oldest if a clock was wrong.

    A right without a holder's name, or given on GRDF's site, has none: the account may have records of several people.
    """
    if right.made_on_site:
        return None
    of_meter = [record for record in records if record.entered.pce == right.pce]
    fitting = [each for each in of_meter if right.is_held_by(each.entered.holder, each.entered.email)]
    of_it = sorted(fitting, key=lambda record: record.given)
    before = [record for record in of_it if not declared or record.given <= declared]
    return next(iter([*before[-1:], *of_it]), None)
