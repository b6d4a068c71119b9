"""The record of a deletion, which is kept after the household has left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from include.gas.account.grant import results_of
from include.gas.account.sections.marks import Connected, Leaving
from include.gas.account.sections.rights.declaration import is_refused, names_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.account.sections.section import members
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import LeftBefore

LATELY = timedelta(days=7)
"""Maximum age of a deletion that may have happened during a running task. It is much longer than any task runs."""

UNDER_WAY = timedelta(days=30)
"""How long a deletion that has not ended counts as one that removes by itself what is left of an account."""

ASKED = "asked"
"""The outcome in a record for a right whose revocation was requested but not answered yet."""


def is_of(entry: Mapping[str, Any], run: str) -> bool:
    """Return whether a run started or continued the deletion of a record."""
    return run in (entry.get("run"), *(each.get("run") for each in _resumed(entry)))


def audit_id(account: str, run: str) -> str:
    """Return the id of a deletion's record. There is one per account and run."""
    return f"{account}:{blake2b(run.encode(), digest_size=8).hexdigest()}"


def audit_entry(account: str, run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Return a new record of a deletion.

    :param by: who asked for the deletion
    """
    return {
        "_id": audit_id(account, run),
        "account": account,
        "run": run,
        "asked_by": by,
        "asked_at": utc_text(at),
        "approved_by": None,
        "keep_data": keep_data,
        "revoked": {},
        "removed": {},
        "finished_at": None,
    }


def with_revoked(entry: Mapping[str, Any], outcomes: Mapping[str, str]) -> Document:
    """Return the record with the outcomes of revocations. Outcomes from earlier attempts are kept.

    :param outcomes: by GRDF's id of the right: ``revoked``, ``was not in force``, or :data:`ASKED` before there is an
        answer
    """
    noted: Mapping[str, str] = entry.get("revoked", {})
    settled = {right: said for right, said in noted.items() if said != ASKED}
    return {**entry, "revoked": {**noted, **outcomes, **settled}}


def with_left_alone(entry: Mapping[str, Any], left: Mapping[str, str]) -> Document:
    """Return the record with the rights that were left alone.

    :param left: reasons by GRDF's id of the right
    """
    return {**entry, "left_alone": {**entry.get("left_alone", {}), **left}} if left else dict(entry)


def taken_up(entry: Mapping[str, Any], run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Return the record with a note that a run continues the deletion. The run that started it adds no note.

    A run with the same id but requested by another person is another run.

    :param run: id of the present Airflow run
    :param by: who asked for that run
    :param keep_data: revoke rights but remove no data, as the form of that run says
    """
    resumed = _resumed(entry)
    if (run, by) not in (
        (entry.get("run"), entry.get("asked_by")),
        *((each.get("run"), each.get("by")) for each in resumed),
    ):
        resumed.append({"run": run, "by": by, "at": utc_text(at)})
    return {**entry, "keep_data": keep_data, **({"resumed": resumed} if resumed else {})}


def last_taker(entry: Mapping[str, Any]) -> Leaving:
    """Return the last run that worked on a deletion, in the form of the mark on the account."""
    first = {"run": entry.get("run"), "by": entry.get("asked_by"), "at": entry.get("asked_at")}
    last = [first, *_resumed(entry)][-1]
    return Leaving(
        str(last.get("run")), str(last.get("by")), str(last.get("at")), keep_data=entry.get("keep_data") is True
    )


def is_open(entry: Mapping[str, Any]) -> bool:
    """Return whether a document is the record of a deletion that has not ended.

    :param entry: a document beside the records: one of an approval that waits for its run is none
    """
    return bool(entry.get("asked_at")) and not entry.get("finished_at")


def is_marked(entry: Mapping[str, Any], mark: Leaving) -> bool:
    """Return whether a deletion has set the mark on an account, or a run that continues it.

    It marks the account, then makes its record; who continues it keeps the mark's moment. A later mark is on another
    account, which was given the id since.

    :param mark: the mark on the account
    """
    return is_of(entry, mark.run) or mark.since <= str(entry.get("asked_at"))


def is_under_way(entry: Mapping[str, Any], now: datetime, age: timedelta = UNDER_WAY) -> bool:
    """Return whether a deletion has not ended, and was asked for or continued a short while ago.

    :param age: how long that may be ago
    """
    return is_open(entry) and utc_text(now - age) < last_taker(entry).since


def has_died(entry: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a deletion was asked for or continued so long ago that it never will end by itself."""
    return is_open(entry) and last_taker(entry).since < utc_text(now - UNDER_WAY)


def has_left(records: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Return whether a deletion has recently removed an account, judging by its records.

    A deletion creates its record before it removes anything. An old record proves nothing: the household may have
    connected again, and its document may have been lost in another way.
    """
    return has_left_since(records, utc_text(now - LATELY))


def has_left_since(records: Iterable[Mapping[str, Any]], moment: str) -> bool:
    """Return whether a deletion has removed an account after a moment, judging by its records.

    :param moment: UTC text
    """
    takers = (last_taker(record) for record in records)
    return any(not taker.keep_data and taker.since > moment for taker in takers)


def mark_of(record: Mapping[str, Any]) -> str:
    """Return what tells a deletion from others, and from itself before it was started again."""
    return f"{record.get('_id')} {len(_resumed(record))}"


def has_left_but(records: Iterable[Mapping[str, Any]], known: Collection[str]) -> bool:
    """Return whether a deletion has removed an account, besides those that are known. No clock is asked.

    :param known: the marks of those that are known, see :func:`mark_of`
    """
    return any(not last_taker(record).keep_data and mark_of(record) not in known for record in records)


def left_before(document: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> str | None:
    """Return when a household left although its account exists, for example because a backup was restored.

    A declaration that waits counts like a right: it must not be sent in the name of somebody who has left. So does one
    whose person was removed after long, since the account is still to be deleted.

    :param document: the account document; one with neither a right nor a declaration says nothing
    :return: the end of the deletion, UTC text; ``None`` if no deletion has ended, or if the household has connected
        since
    """
    ended = left_at(records)
    if not ended:
        return None
    sent = SentDeclarations.of(document)
    entries = results_of(document).get("consents")
    listed = [members(entry) for entry in entries] if isinstance(entries, list) else []
    former = [entry.get("others") for entry in listed]
    rights = [*listed, *(members(right) for each in former if isinstance(each, list) for right in each)]
    moments = [Connected.moment(document), *(right.get("brought") for right in rights), *(each.at for each in sent)]
    has_any = bool(rights or sent or names_person(document) or is_refused(document))
    return ended if has_any and ended > max(str(moment or "") for moment in moments) else None


def left_error(account: str, left: str) -> LeftBefore:
    """Return the error that says what a person has to do about an account that exists although its household left.

    :param left: when it left, UTC text
    """
    return LeftBefore.about(
        account,
        f"its household left on {left[:10]}, but the account exists again, for example because a backup was restored. "
        "It is not read",
    )


def left_at(records: Iterable[Mapping[str, Any]]) -> str:
    """Return when the last deletion of an account ended that removed its data, UTC text; ``""`` if none has."""
    ended = (str(each["finished_at"]) for each in records if each.get("finished_at") and not _keeps(each))
    return max(ended, default="")


def may_have_left_at(records: Iterable[Mapping[str, Any]]) -> str:
    """Return when an account was deleted last, as :func:`left_at`, also by a deletion that has not ended.

    Such a one counts from when it was asked for or continued: whoever has the account since is another household.
    """
    entries = list(records)
    begun = (last_taker(each).since for each in entries if is_open(each) and not _keeps(each))
    return max((left_at(entries), *begun))


def _resumed(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the notes of the runs that have continued a deletion. A damaged record has none."""
    found = entry.get("resumed")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _keeps(record: Mapping[str, Any]) -> bool:
    return record.get("keep_data") is True


def with_found(entry: Mapping[str, Any], found: Mapping[str, int]) -> Document:
    """Return the record with what there was to remove before the first attempt. Later attempts do not change it.

    :param found: number of documents by doctype, and of files as ``staged``
    """
    if "found" in entry:
        return dict(entry)
    return {**entry, "found": {what: number for what, number in found.items() if number}}


def with_removed(entry: Mapping[str, Any], removed: Mapping[str, int]) -> Document:
    """Return the record with higher counts of what was removed. The counts include all attempts.

    :param removed: number of documents by doctype, and of files as ``staged``
    """
    before: Mapping[str, int] = entry.get("removed", {})
    keys = [*before, *(key for key in removed if key not in before)]
    return {**entry, "removed": {key: before.get(key, 0) + removed.get(key, 0) for key in keys}}


def finished(entry: Mapping[str, Any], *, at: datetime, left: Mapping[str, int], tombstones: str) -> Document:
    """Return the finished record with the result of the verification.

    An attempt that was killed may have removed documents without counting them. So if nothing is left, everything found
    before the first attempt counts as removed.

    :param left: what was found after the deletion, by doctype or ``staged``; all 0 for a complete deletion
    :param tombstones: what the server keeps of removed documents, in words
    """
    removed: Mapping[str, int] = entry.get("removed", {})
    found: Mapping[str, int] = {} if any(left.values()) else entry.get("found", {})
    counts = {what: max(removed.get(what, 0), found.get(what, 0)) for what in {**removed, **found}}
    closed = {**entry, "removed": counts, "verified": dict(left), "tombstones": tombstones}
    return {**closed, "finished_at": utc_text(at)}
