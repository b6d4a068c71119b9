"""What each document looks like that we store besides the account: the source of ``docs/documents.md``.

The classes describe; the modules that make the documents are named in :mod:`include.gas.documents.doctypes`. Tests
hold what is made against these classes.
"""

from __future__ import annotations

from datetime import date

import msgspec

from include.gas.documents.totals import Number


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document in CouchDB."""

    id: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")


class Adopted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of the konnector's that our document does not say itself.

    :param load: kWh
    :param former: id of the konnector's document
    """

    load: Number
    former: str = msgspec.field(name="from")


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading that has changed the load of a gas day.

    :param at: when it was read, UTC
    :param before: kWh before, null when there was none
    :param after: kWh since
    :param status: the status of that reading
    """

    at: str
    before: Number | None
    after: Number
    status: str | None


class Day(Kept, frozen=True):
    """The consumption of one gas day, from 06:00 to 06:00 in Paris. A day without usable energy has no document.

    :param id: ``<account>:<pce>:<YYYY-MM-DD>``
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh. A measured 0 is 0
    :param year: of the gas day
    :param month: of the gas day, from 1
    :param day: of the gas day, from 1
    :param hour: always 0
    :param minute: always 0
    :param status: ``provisional`` while GRDF may still change it, else ``definitive``
    :param quality: how GRDF came by it: ``measured``, ``estimated``, ``corrected`` and the like
    :param read_at: when GRDF said so, UTC. A newer reading wins. 1970 for a day adopted from the konnector
    :param changes: its corrections, the newest last, at most 10
    :param adopted: other figures of the konnector's for this day
    """

    account: str
    pce: str
    load: Number
    year: int
    month: int
    day: int
    hour: int
    minute: int
    status: str | None
    quality: str | None
    read_at: str
    changes: list[Correction] = []
    adopted: list[Adopted] = []


class Total(Kept, frozen=True):
    """The sum of the stored days of a month or a year. It goes with the last of them.

    :param id: ``<account>:<pce>:<YYYY-MM>`` of a month, ``<account>:<pce>:<YYYY>`` of a year
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh
    :param year: of the period
    :param month: of the period, from 1; 1 of a year
    :param day: always 1
    :param hour: always 0
    :param minute: always 0
    :param days: how many stored days it sums; 0 for a figure of the konnector's of a time without any
    :param basis: hash of the revisions that were summed: a run that saw older ones meets a conflict
    :param adopted: figures of the konnector's that the sum does not say, the one to go by last
    """

    account: str
    pce: str
    load: Number
    year: int
    month: int
    day: int
    hour: int
    minute: int
    days: int
    basis: str = ""
    adopted: list[Adopted] = []


class PeriodCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A publication that has changed a period.

    :param at: when it was read, UTC
    :param before: kWh before
    :param after: kWh since
    :param end: the gas day after its last one, before
    """

    at: str
    before: Number | None
    after: Number
    end: date | None


class Published(Kept, frozen=True):
    """A billing period that GRDF published: a month of most meters, half a year of ``6M``, a day of ``JJ``.

    :param id: ``<account>:<pce>:<first gas day>``
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh
    :param first: first gas day
    :param end: gas day after the last one
    :param year: of the first gas day
    :param month: of the first gas day, from 1
    :param day: of the first gas day, from 1
    :param hour: always 0
    :param minute: always 0
    :param days: gas days of the period
    :param coefficient: kWh per m³
    :param volume: m³
    :param reason: why the meter was read at the end (``raison_releve``, such as ``RNO``)
    :param status: ``provisional`` while GRDF may still change it, else ``definitive``
    :param quality: how GRDF came by it
    :param read_at: when GRDF said so, UTC. A newer reading wins
    :param changes: its corrections, the newest last, at most 10
    """

    account: str
    pce: str
    load: Number
    first: date
    end: date
    year: int
    month: int
    day: int
    hour: int
    minute: int
    days: int
    coefficient: float | None
    volume: float | None
    reason: str
    status: str
    quality: str
    read_at: str
    changes: list[PeriodCorrection] = []


class GivenApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An approval of a run of a deletion.

    :param run: Airflow run id
    :param started: when Airflow started the run, UTC
    :param asked_by: Airflow's name of who started it, null when it does not say
    :param keep_data: whether only rights are revoked
    :param plan: hash of what the approver has read
    :param by: Airflow's name of who approved
    :param at: when, UTC. It is good for seven days
    """

    run: str
    started: str
    asked_by: str | None
    keep_data: bool
    plan: str
    by: str
    at: str


class Approval(Kept, frozen=True):
    """An approval that waits for its run; the record takes it over.

    :param id: ``approved.<account>:<hash of the run>``
    :param rev: CouchDB's revision
    :param account: account id
    :param run: Airflow run id
    :param started: when Airflow started the run, UTC
    :param asked_by: Airflow's name of who started it, null when it does not say
    :param keep_data: whether only rights are revoked
    :param plan: hash of what the approver has read
    :param by: Airflow's name of who approved
    :param at: when, UTC
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
    """A further run that went on with a deletion.

    :param run: Airflow run id
    :param by: who asked for it
    :param at: when it did, UTC
    """

    run: str
    by: str
    at: str


class DeletionRecord(Kept, frozen=True):
    """The record of a deletion. It stays, and holds no meter number, name or address.

    :param id: ``<account>:<hash of the run>``
    :param rev: CouchDB's revision
    :param account: account id
    :param run: Airflow run id of the run that began it
    :param asked_by: who asked for it
    :param asked_at: when, UTC
    :param approved_by: who approved the latest run, null when the settings ask for no approval
    :param keep_data: whether only rights are revoked
    :param revoked: by GRDF's id of a right: ``revoked``, ``was not in force``, or ``asked`` while no answer is there
    :param removed: how many documents were removed, by doctype, and ``staged`` files
    :param finished_at: when it had ended and was verified, UTC, null before
    :param approvals: all approvals of its runs
    :param resumed: the runs that went on with it
    :param left_alone: by GRDF's id of a right on its meters that stays: why
    :param found: how many documents there were when the first try began, by doctype, and ``staged`` files
    :param verified: how many were found afterwards: all 0
    :param tombstones: what the server keeps of removed documents, in words
    :param airflow_history: what was ``removed`` of Airflow's own history, and what is ``kept`` and why
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
    approvals: list[GivenApproval] = []
    resumed: list[Resumed] = []
    left_alone: dict[str, str] = {}
    found: dict[str, int] = {}
    verified: dict[str, int] = {}
    tombstones: str = ""
    airflow_history: dict[str, object] = {}


class Mark(Kept, frozen=True):
    """Something that was used once, such as an attempt to connect. Removed 30 days after its moment.

    :param id: ``<moment, epoch seconds>-<hash>``: until when it matters, and of what
    :param rev: CouchDB's revision
    """


class HouseholdLink(Kept, frozen=True):
    """Which link of a household is good. Of links only hashes are kept.

    :param id: ``link-<hash of the account's id>``
    :param rev: CouchDB's revision
    :param good: hash of the link that can be used
    :param used: hash of the link that was used, or is being used
    :param until: moment until which it is good, epoch seconds
    :param tries: codes that were sent to GRDF for it, at most 5
    :param steps: attempts that were begun or ended with it, at most 50
    """

    good: str = ""
    used: str = ""
    until: int = 0
    tries: int = 0
    steps: int = 0


class Lease(Kept, frozen=True):
    """Which worker does what only one may do.

    :param id: what for: ``data-token``, ``meters``
    :param rev: CouchDB's revision
    :param holder: a random name, null when nobody holds it
    :param until: when it ends by itself, epoch seconds; 0 when nobody holds it
    """

    holder: str | None
    until: float


class LastList(Kept, frozen=True):
    """When GRDF was asked for the last list by which all accounts were checked.

    :param id: ``list-of-consents``
    :param rev: CouchDB's revision
    :param asked_at: UTC
    """

    asked_at: str
