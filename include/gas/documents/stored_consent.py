"""The record of a household's consent, as it is stored: it alone keeps who the household is."""

from __future__ import annotations

from datetime import date

import msgspec


class Entered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was entered to connect a household.

    :param name: last name of the contract's holder
    :param company: the holder's company name, instead of ``name``
    :param postcode: the meter's postcode
    :param email: the holder's e-mail address
    :param phone: the holder's mobile number
    :param perimeters: the data that may be read, in ADICT's words
    :param first: first gas day; null for all that GRDF keeps
    :param end: first gas day that is not covered any more; null for none
    :param calls_until: last civil day on which GRDF may be asked; null for three years
    """

    postcode: str
    email: str
    perimeters: list[str]
    name: str = ""
    company: str = ""
    phone: str = ""
    first: date | None = None
    end: date | None = None
    calls_until: date | None = None

    def __repr__(self) -> str:
        """Return a text without the person."""
        return f"Entered(perimeters={self.perimeters!r})"


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

    :param id: ``<account>:<given>:<random>``; after a deletion ``~<last day on which it is kept>:<hash>``
    :param rev: CouchDB's revision
    :param account: account id; absent after a deletion
    :param given: when the consent was given or recorded here, UTC
    :param by: who recorded it: ``household`` for the household itself, behind its link; else who entered it
    :param agreed: the text that the household ticked; absent if it agreed elsewhere
    :param proof: where the proof of a consent that was given elsewhere is kept, in the operator's words
    :param entered: what was entered
    :param kept_until: last civil day in Paris on which it is kept after a deletion; absent before
    """

    id: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")
    pce: str
    given: str
    by: str
    entered: Entered
    account: str = ""
    agreed: ConsentText | None = None
    proof: str = ""
    kept_until: date | None = None

    def __repr__(self) -> str:
        """Return a text without the person."""
        return f"ConsentRecord(account={self.account!r}, given={self.given!r})"
