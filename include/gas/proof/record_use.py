"""Whether a right rests on the record of a consent, so that GRDF may ask for it, and which record may be a right's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from include.gas.account.own_meters import meters_in
from include.gas.account.sections.rights.sent_declarations import FORGOTTEN, SentDeclarations
from include.gas.account.sections.section import put
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import ODD_DOCUMENT, BadAccount
from include.gas.proof.consent_record import record_for

CLOCKS = timedelta(days=1)
"""How much younger than its right a record may seem: the page, workers and GRDF have clocks of their own."""


def may_rest_on(document: Mapping[str, Any] | None, record: ConsentRecord, now: datetime) -> bool:
    """Return whether GRDF has, or may have, a right that a record proves.

    The account does not say for whom a right is, so any record counts that is not younger than it.

    :param document: the document of the record's account; ``None`` if there is none
    """
    if document is None:
        return False
    entered, oldest = record.entered, utc_text(now - FORGOTTEN)
    name = entered.name or entered.company
    sent = (each for each in SentDeclarations.of(document) if each.pce == record.pce and each.at > oldest)
    if any(each.is_for(name, entered.email) for each in sent):
        return True
    try:
        meters = meters_in(document, record.account)
        given = utc_text(datetime.fromisoformat(record.given) - CLOCKS)
    except (BadAccount, *ODD_DOCUMENT):
        return True
    rights = (right for meter in meters if meter.pce == record.pce for right in meter.rights)
    unknown = utc_text(now - 2 * CLOCKS)  # of another program: any record but a fresh one
    return any(right.id_accreditation and given <= (right.brought or unknown) for right in rights)


def of_its_household(
    document: Mapping[str, Any] | None, records: Iterable[ConsentRecord], now: datetime, has_data: Callable[[], bool]
) -> list[ConsentRecord]:
    """Return the records that say to which household an account belongs; none if no household with a record is known.

    That is the newest record on which a right of the account may rest, to whichever meter. Without any right the
    account was lost, or an older one restored; if data are stored all the same, they may be of each record's household.

    :param has_data: returns whether gas data are stored for the account
    """
    known = list(records)
    taken = put(document, SentDeclarations.key, None) if document else None  # the others may be nobody's right
    if resting := [each for each in known if may_rest_on(taken, each, now)]:
        return [max(resting, key=lambda record: record.given)]
    return known if known and not _has_right(document) and has_data() else []


def in_doubt(
    document: Mapping[str, Any] | None, records: Iterable[ConsentRecord], has_data: Callable[[], bool]
) -> list[ConsentRecord]:
    """Return the records of who may be an account's household, where :func:`of_its_household` has found none.

    They are younger than each right of the account. If GRDF has refused what they were stored for, the data are of the
    rights' household. But if a backup from before them was restored, the data are of theirs, too.

    :param has_data: returns whether gas data are stored for the account
    """
    known = list(records)
    return known if known and _has_right(document) and has_data() else []


def record_behind(records: Iterable[ConsentRecord], right: AccessRight) -> ConsentRecord | None:
    """Return the record on which a right rests that no account knows; ``None`` if there is none.

    A copy that was kept may be of a former consent of the same household, which has ended with its account. And where
    GRDF names no e-mail address, the holder may be somebody else of the same name. So then a record counts only if GRDF
    took the right within a day.

    :param records: records on which no other right rests, of any account or kept without one
    """
    latest = _moved(right.created_at, CLOCKS)
    earliest = _moved(right.created_at, -CLOCKS)
    fitting = [
        record
        for record in records
        if (not latest or record.given <= latest)
        and ((right.holder[1] and not record.kept_until) or (earliest and earliest <= record.given))
    ]
    return record_for(fitting, right, latest)


def _moved(moment: str, by: timedelta) -> str:
    try:
        return utc_text(datetime.fromisoformat(moment) + by)
    except (ValueError, OverflowError):
        return ""


def _has_right(document: Mapping[str, Any] | None) -> bool:
    """Return whether an account has a right that GRDF may know, as a program that makes it again does not store one."""
    try:
        return any(meter.own for meter in meters_in(document or {}, str((document or {}).get("_id"))))
    except BadAccount:
        return False
