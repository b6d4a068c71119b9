"""A household leaves: the mark on its account, what its deletion takes away, and the record that stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from include.gas.account.grant import results_of
from include.gas.account.sections.marks import Connected, Leaving
from include.gas.account.sections.section import members
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

LATELY = timedelta(days=7)
"""How old a deletion may be that a task under way has met: far longer than any task runs."""


ASKED = "asked"
"""What a record says of a right whose revocation was asked for and not answered yet."""


def is_of(entry: Mapping[str, Any], run: str) -> bool:
    """Return whether a run has made a record, or gone on with it.

    :param entry: the record
    :param run: Airflow run id
    """
    return run in (entry.get("run"), *(each.get("run") for each in entry.get("resumed", [])))


def audit_id(account: str, run: str) -> str:
    """Make the id of a deletion's record: one per account and run.

    :param account: account id
    :param run: Airflow run id
    """
    return f"{account}:{blake2b(run.encode(), digest_size=8).hexdigest()}"


def audit_entry(account: str, run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Begin the record of a deletion.

    :param account: account id
    :param run: Airflow run id
    :param by: who asked for it
    :param at: the present, aware
    :param keep_data: only revoke
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
    """Note which rights were revoked, by GRDF's id, and how; what a former try found out stays.

    :param entry: the record
    :param outcomes: GRDF's id of a right to ``revoked``, ``was not in force`` or, before the answer is there,
        :data:`ASKED`
    """
    noted: Mapping[str, str] = entry.get("revoked", {})
    settled = {right: said for right, said in noted.items() if said != ASKED}
    return {**entry, "revoked": {**noted, **outcomes, **settled}}


def with_left_alone(entry: Mapping[str, Any], left: Mapping[str, str]) -> Document:
    """Note which rights on its meters were left alone, by GRDF's id, and why.

    :param entry: the record
    :param left: GRDF's id of a right to the reason
    """
    return {**entry, "left_alone": {**entry.get("left_alone", {}), **left}} if left else dict(entry)


def taken_up(entry: Mapping[str, Any], run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Note in a record that a run goes on with the deletion; nothing changes for the run that began it.

    A run of the same id that another has asked for is another run.

    :param entry: the record
    :param run: Airflow run id of the present deletion
    :param by: who asked for it
    :param at: the present, aware
    :param keep_data: only revoke, as the form says now
    """
    resumed = list(entry.get("resumed", []))
    if (run, by) not in ((entry.get("run"), entry.get("asked_by")), *((each["run"], each["by"]) for each in resumed)):
        resumed.append({"run": run, "by": by, "at": utc_text(at)})
    return {**entry, "keep_data": keep_data, **({"resumed": resumed} if resumed else {})}


def last_taker(entry: Mapping[str, Any]) -> Leaving:
    """Return which deletion was the last to work on a record, in the shape of the mark.

    :param entry: the record
    """
    first = {"run": entry.get("run"), "by": entry.get("asked_by"), "at": entry.get("asked_at")}
    last = [first, *entry.get("resumed", [])][-1]
    return Leaving(str(last["run"]), str(last["by"]), str(last["at"]), keep_data=entry.get("keep_data") is True)


def has_left(records: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Tell by the records of an account's deletions whether one has removed it lately.

    A deletion makes its record before it removes anything. An old one proves nothing: the household may have connected
    again since, and its document have been lost in another way.

    :param records: of one account
    :param now: the present, aware
    """
    since = utc_text(now - LATELY)
    takers = (last_taker(record) for record in records)
    return any(not taker.keep_data and taker.since > since for taker in takers)


def left_before(document: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> str | None:
    """Return when a household left whose account is there all the same, as a restored backup brings it back.

    :param document: the account document, past its first launch
    :param records: of its deletions
    :return: when the deletion ended, UTC text; None when none has, or the household has connected since
    """
    ended = [str(record["finished_at"]) for record in records if record.get("finished_at") and not _keeps(record)]
    if not ended:
        return None
    entries = results_of(document).get("consents")
    listed = [members(entry) for entry in entries] if isinstance(entries, list) else []
    former = [entry.get("others") for entry in listed]
    rights = [*listed, *(members(right) for each in former if isinstance(each, list) for right in each)]
    moments = [Connected.moment(document), *(right.get("brought") for right in rights)]
    return max(ended) if rights and max(ended) > max(str(moment or "") for moment in moments) else None


def _keeps(record: Mapping[str, Any]) -> bool:
    return record.get("keep_data") is True


def with_found(entry: Mapping[str, Any], found: Mapping[str, int]) -> Document:
    """Note what there was to remove before the first try began; a later try changes nothing.

    :param entry: the record
    :param found: documents per doctype, and ``staged`` files
    """
    if "found" in entry:
        return dict(entry)
    return {**entry, "found": {what: number for what, number in found.items() if number}}


def with_removed(entry: Mapping[str, Any], removed: Mapping[str, int]) -> Document:
    """Add to the counts of what was removed, over all tries.

    :param entry: the record
    :param removed: documents per doctype, and ``staged`` files
    """
    before: Mapping[str, int] = entry.get("removed", {})
    keys = [*before, *(key for key in removed if key not in before)]
    return {**entry, "removed": {key: before.get(key, 0) + removed.get(key, 0) for key in keys}}


def finished(entry: Mapping[str, Any], *, at: datetime, left: Mapping[str, int], tombstones: str) -> Document:
    """Close the record with the verification.

    A try that was killed may have removed documents without counting them: of those found at first none is left.

    :param entry: the record
    :param at: the present, aware
    :param left: what was found afterwards, per kind; all zero for a deletion that is complete
    :param tombstones: what the server keeps of removed documents, in words
    """
    removed: Mapping[str, int] = entry.get("removed", {})
    found: Mapping[str, int] = {} if any(left.values()) else entry.get("found", {})
    counts = {what: max(removed.get(what, 0), found.get(what, 0)) for what in {**removed, **found}}
    closed = {**entry, "removed": counts, "verified": dict(left), "tombstones": tombstones}
    return {**closed, "finished_at": utc_text(at)}
