"""The record of a deletion, which is kept after the household has left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from include.gas.account.sections.marks import Leaving, leaving
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import LeftBefore

ASKED = "asked"
"""The outcome in a record for a right whose revocation was requested but not answered yet."""
LONGEST = timedelta(days=1)
"""How long a deletion may take before somebody is told."""


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


def unfinished(
    accounts: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], now: datetime
) -> dict[str, str]:
    """Return what a person has to do about each account whose deletion does not end.

    :param accounts: the documents of all accounts
    :param records: the records of all deletions
    """
    begun = {str(each.get("_id")): mark.since for each in accounts if (mark := leaving(each))}
    for each in filter(is_open, records):
        account, since = str(each.get("account")), last_taker(each).since
        begun[account] = max(since, begun.get(account, ""))
    return {
        account: (
            f"Account {account}: its deletion of {since[:10]} has not ended, so it is not read, and not all of it is "
            "gone. Look at the runs of grdf_delete_account. If none of them is still running, start it for this "
            "account again: it continues where that one stopped."
        )
        for account, since in sorted(begun.items())
        if since < utc_text(now - LONGEST)
    }


def left_at(records: Iterable[Mapping[str, Any]]) -> str:
    """Return when the last deletion of an account ended that removed its data, UTC text; ``""`` if none has.

    Such an account's id is never used again.
    """
    ended = (str(each["finished_at"]) for each in records if each.get("finished_at") and not each.get("keep_data"))
    return max(ended, default="")


def all_left(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the accounts whose household has left, each with when, as in :func:`left_at`.

    :param records: the records of all deletions
    """
    of_account: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        of_account.setdefault(str(record.get("account")), []).append(record)
    return {account: moment for account, each in of_account.items() if (moment := left_at(each))}


def left_error(account: str, left: str) -> LeftBefore:
    """Return the error that says what a person has to do about an account that exists although its household left.

    :param left: when it left, UTC text
    """
    return LeftBefore.about(
        account,
        f"its household left on {left[:10]}, but the account exists again, for example because a backup was restored. "
        "It is not read",
        "Start grdf_delete_account for it again. If the household has come back, let it connect as a new account.",
    )


def with_removed(entry: Mapping[str, Any], found: Mapping[str, int]) -> Document:
    """Return the record with what is about to be removed.

    What an earlier attempt has noted counts if it is more: that attempt may have removed some of it.

    :param found: number of documents by doctype, and of files as ``staged``
    """
    before: Mapping[str, int] = entry.get("removed", {})
    counts = {what: max(before.get(what, 0), found.get(what, 0)) for what in {**before, **found}}
    return {**entry, "removed": {what: number for what, number in counts.items() if number}}


def finished(entry: Mapping[str, Any], *, at: datetime, late: Mapping[str, int]) -> Document:
    """Return the record of a deletion that has ended.

    :param late: what was stored while the rest was being removed, and was removed then: numbers as in
        :func:`with_removed`
    """
    removed: Mapping[str, int] = entry.get("removed", {})
    counts = {what: removed.get(what, 0) + late.get(what, 0) for what in {**removed, **late}}
    return {**entry, "removed": counts, "finished_at": utc_text(at)}


def _resumed(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the notes of the runs that have continued a deletion. A damaged record has none."""
    found = entry.get("resumed")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
