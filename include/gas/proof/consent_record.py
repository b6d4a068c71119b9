"""The record of a household's consent: made before its right is declared, kept for a while after it has left."""

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
"""Who recorded a consent that the household gave here itself."""
KEPT = "~"
"""How the ids of records begin whose account is gone. No account id contains it."""
YOUNG = timedelta(days=60)
"""How long a record is needed in any case: a declaration may be corrected, or wait for the end of a former right."""


class ConsentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text that a household agreed to, as it saw it.

    :param version: the text's version
    :param language: ``fr`` or ``en``
    :param text: the text itself
    """

    version: str
    language: str
    text: str


class ConsentRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record of a household's consent, for a right that we declared at GRDF. It alone keeps who the household is.

    :param id: ``<account>:<given>:<random>``; after a deletion ``~<last civil day on which it is kept>:<hash>``
    :param rev: CouchDB's revision
    :param account: account id; absent after a deletion
    :param given: when the consent was given or recorded here, UTC
    :param by: who recorded it: :data:`HOUSEHOLD` for the household itself, behind its link; else who entered it
    :param entered: what was entered, checked
    :param agreed: the text that the household ticked; absent if it agreed elsewhere
    :param proof: where the proof of a consent that was given elsewhere is kept, in the operator's words
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
        """Return a text without the person."""
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
    """Return a stored record; ``None`` if it cannot be read, because somebody else has changed it."""
    try:
        return msgspec.convert(document, ConsentRecord)
    except msgspec.ValidationError:
        return None


def is_needed(record: ConsentRecord, meter: Meter, now: datetime) -> bool:
    """Return whether a record may still prove a right of its account, or one whose account was lost.

    :param meter: the record's meter
    """
    rights = (right for right in meter.rights if right.state != "refused")
    proves = any(right.account in ("", record.account) or right.way == "adopted" for right in rights)
    return proves or record.given > utc_text(now - YOUNG)


def kept_copy(document: Mapping[str, object], left: date, days: int) -> Document:
    """Return the copy of a record that stays although its account does not need it, or is gone.

    :param document: the stored record, also one that cannot be read
    :param left: civil date in Paris since when
    :param days: for how many days it is kept
    """
    until = left + timedelta(days=days)
    name = blake2b(str(document["_id"]).encode(), digest_size=16).hexdigest()
    content = {key: value for key, value in document.items() if key not in ("_id", "_rev", "account")}
    return {"_id": f"{KEPT}{until.isoformat()}:{name}", **content}


def overdue_range(today: date) -> tuple[str, str]:
    """Return the range of ids of the kept records whose time is over.

    :return: first and last id, both included
    """
    return KEPT, f"{KEPT}{today.isoformat()}"


def find_record(records: Iterable[ConsentRecord], right: AccessRight, declared: str = "") -> ConsentRecord | None:
    """Return the record that proves a right: the newest one of its holder that is not younger than the right.

    An account may have records of several people, one of whom was not connected after all. So a right whose holder GRDF
    does not name is proved by none, nor is one that its holder gave on GRDF's site. If all are younger than the right,
    a clock was wrong, and the oldest one counts.

    :param declared: when GRDF took the right, UTC text; ``""`` if that is not known
    """
    if right.made_on_site:
        return None
    of_meter = [record for record in records if record.entered.pce == right.pce]
    fitting = [each for each in of_meter if right.is_held_by(each.entered.holder, each.entered.email)]
    of_it = sorted(fitting, key=lambda record: record.given)
    before = [record for record in of_it if not declared or record.given <= declared]
    return next(iter([*before[-1:], *of_it]), None)
