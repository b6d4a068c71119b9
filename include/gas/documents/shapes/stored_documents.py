"""The shape of every stored document except the account and those of gas.

Those are in :mod:`include.gas.documents.shapes.stored_gas`.

``docs/documents.md`` is generated from these classes. They only describe:
:mod:`include.gas.documents.doctypes` names the modules that create the documents, and tests check what they create
against these classes.
"""

from __future__ import annotations

from datetime import date

import msgspec

from include.gas.documents.shapes.kept import Kept


class GivenApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The approval of one run of a deletion.

    :param run: Airflow run id
    :param started: when Airflow started the run, UTC
    :param asked_by: Airflow user who started the run; null if unknown
    :param keep_data: whether rights are revoked but no data removed
    :param plan: hash of the plan that the approver read
    :param by: Airflow user who approved
    :param at: when the approval was given, UTC; it is valid for seven days
    """

    run: str
    started: str
    asked_by: str | None
    keep_data: bool
    plan: str
    by: str
    at: str


class Approval(Kept, frozen=True):
    """An approval that waits for its run. It moves into the record of the deletion.

    :param id: ``approved.<account>:<hash of the run>``
    :param rev: CouchDB's revision
    :param account: account id
    :param run: Airflow run id
    :param started: when Airflow started the run, UTC
    :param asked_by: Airflow user who started the run; null if unknown
    :param keep_data: whether rights are revoked but no data removed
    :param plan: hash of the plan that the approver read
    :param by: Airflow user who approved
    :param at: when the approval was given, UTC
    """

    account: str
    run: str
    started: str
    asked_by: str | None
    keep_data: bool
    plan: str
    by: str
    at: str


class Resumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A later run that continued a deletion.

    :param run: Airflow run id
    :param by: who asked for the run
    :param at: when it continued the deletion, UTC
    """

    run: str
    by: str
    at: str


class Unanswered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declaration that was sent to GRDF for an account that was deleted before its right was known.

    :param at: when we began to send it, UTC
    :param email: hash of the meter and the holder's e-mail address
    :param name: hash of the meter and the holder's last name or company
    """

    at: str
    email: str
    name: str


class DeletionRecord(Kept, frozen=True):
    """The record of a deletion. It is kept for good and contains no meter number, name or address.

    :param id: ``<account>:<hash of the run>``
    :param rev: CouchDB's revision
    :param account: account id
    :param run: Airflow run id of the run that started the deletion
    :param asked_by: who asked for it
    :param asked_at: when it was asked for, UTC
    :param approved_by: who approved the latest run; null if the settings require no approval
    :param keep_data: whether rights are revoked but no data removed
    :param revoked: the outcome by GRDF's id of the right: ``revoked``, ``was not in force``, or ``asked`` while there
        is no answer
    :param removed: number of removed documents by doctype, and of removed files as ``staged``
    :param finished_at: when the deletion was complete and verified, UTC; null before
    :param approvals: all approvals of its runs
    :param resumed: later runs that continued it
    :param left_alone: the reason by GRDF's id of the right, for rights on the account's meters that are not revoked
    :param found: number of documents before the first attempt by doctype, and of files as ``staged``
    :param verified: number of documents and files found after the deletion: all 0
    :param tombstones: what the server keeps of removed documents, in words
    :param airflow_history: what was ``removed`` from Airflow's own history, and what is ``kept`` and why
    :param unanswered: declarations without an answer, as hashes, until their right has ended or 60 days are over
    :param grdf_connection: the connection of the GRDF client that the account belonged to; absent for ``grdf_adict``
    """

    account: str
    run: str
    asked_by: str
    asked_at: str
    approved_by: str | None
    keep_data: bool
    revoked: dict[str, str]
    removed: dict[str, int]
    finished_at: str | None
    approvals: list[GivenApproval] = msgspec.field(default_factory=list)
    resumed: list[Resumed] = msgspec.field(default_factory=list)
    left_alone: dict[str, str] = msgspec.field(default_factory=dict)
    found: dict[str, int] = msgspec.field(default_factory=dict)
    verified: dict[str, int] = msgspec.field(default_factory=dict)
    tombstones: str = ""
    airflow_history: dict[str, object] = msgspec.field(default_factory=dict)
    unanswered: list[Unanswered] = msgspec.field(default_factory=list)
    grdf_connection: str = ""


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


class ConsentRecord(Kept, frozen=True):
    """The record of a household's consent, for a right that we declared at GRDF. It alone keeps who the household is.

    :param id: ``<account>:<given>:<random>``; after a deletion ``~<last day on which it is kept>:<hash>``
    :param rev: CouchDB's revision
    :param account: account id; absent after a deletion
    :param pce: the meter
    :param given: when the consent was given or recorded here, UTC
    :param by: who recorded it: ``household`` for the household itself, behind its link; else who entered it
    :param agreed: the text that the household ticked; absent if it agreed elsewhere
    :param proof: where the proof of a consent that was given elsewhere is kept, in the operator's words
    :param entered: what was entered
    :param kept_until: last civil day in Paris on which it is kept after a deletion; absent before
    """

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


class Mark(Kept, frozen=True):
    """A mark for something that was used, such as an attempt to connect. It is removed 30 days after its moment.

    :param id: ``<moment, epoch seconds>-<hash>``: until when the mark matters, and a hash of what was used
    :param rev: CouchDB's revision
    """


class HouseholdLink(Kept, frozen=True):
    """Which link of a household is valid. Only hashes of links are stored.

    A document without ``account`` belongs to a link that was used, taken back or tried too often.

    :param id: ``link-<hash of the account's id>``
    :param rev: CouchDB's revision
    :param good: hash of the link that can be used
    :param account: account id, while the link can be used
    :param used: hash of the link that was used or is being used
    :param by: hash that names the form with which it was used; absent for GRDF's own site
    :param taken: when it was used with that form, epoch seconds
    :param until: moment until which the link is valid, epoch seconds
    :param tries: number of codes and forms sent with the link, at most 5
    :param steps: number of attempts started or ended with the link, at most 50
    """

    good: str = ""
    account: str = ""
    used: str = ""
    by: str = ""
    taken: int = 0
    until: int = 0
    tries: int = 0
    steps: int = 0


class Lease(Kept, frozen=True):
    """A lease, which lets only one worker at a time do something.

    :param id: its purpose: ``data-token`` (of another client ``data-token-<connection>``) or ``meters``
    :param rev: CouchDB's revision
    :param holder: random name of the worker that holds it; null if nobody does
    :param until: when it expires, epoch seconds; 0 if nobody holds it
    """

    holder: str | None
    until: float


class LastList(Kept, frozen=True):
    """When GRDF was asked for the last list of rights that all accounts of a client were checked against.

    :param id: ``list-of-consents``, of another client ``list-of-consents-<connection>``
    :param rev: CouchDB's revision
    :param asked_at: when GRDF was asked, UTC
    """

    asked_at: str
