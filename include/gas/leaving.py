"""A household leaves: the mark on its account, what its deletion takes away, and the record that stays."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from include.gas.account.grant import results_of
from include.gas.account.marks import Connected, Leaving
from include.gas.account.sections import members
from include.gas.consents import AccessRight, Consent
from include.gas.days import utc_text
from include.gas.documents import Document

LATELY = timedelta(days=7)
"""How old a deletion may be that a task under way has met: far longer than any task runs."""

APPROVED_FOR = timedelta(days=7)
"""How long an approval is good for."""

ASKED = "asked"
"""What a record says of a right whose revocation was asked for and not answered yet."""


def may_approve(asker: str | None, approver: str | None, *, by_one_person: bool) -> bool:
    """Tell whether somebody may approve a deletion: not who asked for it, unless the installation has one person only.

    :param asker: Airflow's name of who started the run, None when it does not say.
    :param approver: Airflow's name of who approves.
    :param by_one_person: whether the asker may approve.
    """
    if not approver:
        return False
    return by_one_person or (bool(asker) and str(asker).casefold() != approver.casefold())


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do, and for whom: an approval is of that alone.

    :param run: Airflow run id. Whoever starts a run can choose it, also that of a run that was removed.
    :param started: when Airflow started the run, UTC text. Nobody can choose it, and it changes when tasks of a run
        that has ended are cleared.
    :param asked_by: who started the run, None when Airflow does not say.
    :param keep_data: only revoke.
    """

    run: str
    started: str
    asked_by: str | None
    keep_data: bool


def approvals_of(account: str) -> str:
    """Give what stands for the account in the ids of its approvals; no account can have it for its own id.

    :param account: account id.
    """
    return f"approved.{account}"


def approval_id(account: str, run: str) -> str:
    """Make the id under which an approval waits for its run.

    :param account: account id.
    :param run: Airflow run id.
    """
    return audit_id(approvals_of(account), run)


def approval(account: str, order: Order, *, plan: str, by: str, at: datetime) -> Document:
    """Write down that a deletion was approved, until its record takes it over.

    :param account: account id.
    :param order: what was approved.
    :param plan: :meth:`Plan.digest` of what the approver has read.
    :param by: who approved.
    :param at: when, aware.
    """
    told = {"account": account, **asdict(order), "plan": plan, "by": by, "at": utc_text(at)}
    return {"_id": approval_id(account, order.run), **told}


def holds(given: Mapping[str, Any], order: Order, *, now: datetime, by_one_person: bool) -> bool:
    """Tell whether an approval is one of what a run does, by somebody who may give it, and not out of date.

    :param given: made by :func:`approval`, or as a record has it.
    :param order: what the run does.
    :param now: the present, aware.
    :param by_one_person: as for :func:`may_approve`.
    """
    of_this = bool(order.started) and all(given.get(name) == value for name, value in asdict(order).items())
    fresh = str(given.get("at", "")) > utc_text(now - APPROVED_FOR)
    return of_this and fresh and may_approve(order.asked_by, given.get("by"), by_one_person=by_one_person)


def with_approval(entry: Mapping[str, Any], given: Mapping[str, Any] | None) -> Document:
    """Note in a record who approved a run of the deletion.

    :param entry: the record.
    :param given: made by :func:`approval`; None when the settings ask for none.
    """
    noted = list(entry.get("approvals", []))
    if given is None:
        return dict(entry)
    new = {key: value for key, value in given.items() if key != "account" and not key.startswith("_")}
    return {**entry, "approved_by": given["by"], "approvals": [*(each for each in noted if each != new), new]}


def is_of(entry: Mapping[str, Any], run: str) -> bool:
    """Tell whether a run has made a record, or gone on with it.

    :param entry: the record.
    :param run: Airflow run id.
    """
    return run in (entry.get("run"), *(each.get("run") for each in entry.get("resumed", [])))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deletion would revoke and remove.

    :param account: account id.
    :param rights: GRDF's ids of the account's own rights that stand, with their states.
    :param documents: how many documents per doctype.
    :param staged: how many staged files.
    :param tokens: whether the account document holds tokens or a code.
    :param keep_data: only revoke.
    :param notes: what the reader must know besides.
    :param left_alone: GRDF's ids of the other rights that stand on its meters, with the reason why they stay.
    :param gone: whether a former deletion has come as far as removing the account's document.
    """

    account: str
    rights: tuple[tuple[str, str], ...] = ()
    documents: Mapping[str, int] = field(default_factory=dict)
    staged: int = 0
    tokens: bool = False
    keep_data: bool = False
    notes: tuple[str, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()
    gone: bool = False

    def digest(self) -> str:
        """Stand for what the plan takes away. Not for how many documents: each day brings some."""
        told = [self.account, self.keep_data, self.gone, sorted(right for right, _ in self.rights)]
        return blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()

    def text(self) -> str:
        """Write the plan for the person who decides (Markdown)."""
        if self.gone:
            return (
                f"Account **{self.account}**: an earlier deletion was interrupted near its end; this one finishes it."
            )
        lines = [f"Account **{self.account}**", "", f"Consents to revoke at GRDF: {len(self.rights)}"]
        lines += [f"* {right} ({state})" for right, state in self.rights]
        if self.left_alone:
            lines += ["", f"Other consents on its meters, which stay: {len(self.left_alone)}"]
            lines += [f"* {right} ({why})" for right, why in self.left_alone]
        if self.keep_data:
            lines += ["", "Nothing is removed: *keep the data* was chosen."]
        else:
            lines += ["", "To remove:"]
            lines += [f"* {number} documents of {doctype}" for doctype, number in self.documents.items()]
            lines += [f"* {self.staged} staged files", f"* the account document{', with its tokens' * self.tokens}"]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])


def standing(rights: Sequence[AccessRight]) -> tuple[AccessRight, ...]:
    """Return the rights that a leaving household has revoked: in force or waiting, and granted to us.

    :param rights: all rights on the account's meters.
    """
    return tuple(right for right in rights if right.stands and right.role.startswith("autorise"))


NOT_BROUGHT, USED = "this account has not brought it", "another account uses it"
"""Why a right that stands on a leaving account's meter is left alone."""


def to_revoke(
    rights: Sequence[AccessRight], meters: Iterable[Consent], used: Collection[str]
) -> tuple[tuple[AccessRight, ...], dict[str, str]]:
    """Sort the rights that stand on a leaving account's meters.

    :param rights: those that stand.
    :param meters: the account's meters, each with the rights that it brought.
    :param used: ids of rights that other accounts have brought, too.
    :return: those to revoke; and of those that are left alone the ids, each with the reason.
    """
    own = {right for meter in meters for right in meter.own}
    left = {right.id: NOT_BROUGHT if right.id not in own else USED for right in rights}
    mine = tuple(right for right in rights if right.id in own and right.id not in used)
    return mine, {right: why for right, why in left.items() if right not in {each.id for each in mine}}


def audit_id(account: str, run: str) -> str:
    """Make the id of a deletion's record: one per account and run.

    :param account: account id.
    :param run: Airflow run id.
    """
    return f"{account}:{blake2b(run.encode(), digest_size=8).hexdigest()}"


def audit_entry(account: str, run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Begin the record of a deletion.

    :param account: account id.
    :param run: Airflow run id.
    :param by: who asked for it.
    :param at: the present, aware.
    :param keep_data: only revoke.
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

    :param entry: the record.
    :param outcomes: GRDF's id of a right to ``revoked``, ``was not in force`` or, before the answer is there,
        :data:`ASKED`.
    """
    noted: Mapping[str, str] = entry.get("revoked", {})
    settled = {right: said for right, said in noted.items() if said != ASKED}
    return {**entry, "revoked": {**noted, **outcomes, **settled}}


def with_left_alone(entry: Mapping[str, Any], left: Mapping[str, str]) -> Document:
    """Note which rights on its meters were left alone, by GRDF's id, and why.

    :param entry: the record.
    :param left: GRDF's id of a right to the reason.
    """
    return {**entry, "left_alone": {**entry.get("left_alone", {}), **left}} if left else dict(entry)


def taken_up(entry: Mapping[str, Any], run: str, *, by: str, at: datetime, keep_data: bool) -> Document:
    """Note in a record that a run goes on with the deletion; nothing changes for the run that began it.

    A run of the same id that another has asked for is another run.

    :param entry: the record.
    :param run: Airflow run id of the present deletion.
    :param by: who asked for it.
    :param at: the present, aware.
    :param keep_data: only revoke, as the form says now.
    """
    resumed = list(entry.get("resumed", []))
    if (run, by) not in ((entry.get("run"), entry.get("asked_by")), *((each["run"], each["by"]) for each in resumed)):
        resumed.append({"run": run, "by": by, "at": utc_text(at)})
    return {**entry, "keep_data": keep_data, **({"resumed": resumed} if resumed else {})}


def last_taker(entry: Mapping[str, Any]) -> Leaving:
    """Return which deletion was the last to work on a record, in the shape of the mark.

    :param entry: the record.
    """
    first = {"run": entry.get("run"), "by": entry.get("asked_by"), "at": entry.get("asked_at")}
    last = [first, *entry.get("resumed", [])][-1]
    return Leaving(str(last["run"]), str(last["by"]), str(last["at"]), keep_data=entry.get("keep_data") is True)


def has_left(records: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Tell by the records of an account's deletions whether one has removed it lately.

    A deletion makes its record before it removes anything. An old one proves nothing: the household may have connected
    again since, and its document have been lost in another way.

    :param records: of one account.
    :param now: the present, aware.
    """
    since = utc_text(now - LATELY)
    takers = (last_taker(record) for record in records)
    return any(not taker.keep_data and taker.since > since for taker in takers)


def left_before(document: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> str | None:
    """Tell when a household left whose account is there all the same, as a restored backup brings it back.

    :param document: the account document, past its first launch.
    :param records: of its deletions.
    :return: when the deletion ended, UTC text; None when none has, or the household has connected since.
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

    :param entry: the record.
    :param found: documents per doctype, and ``staged`` files.
    """
    if "found" in entry:
        return dict(entry)
    return {**entry, "found": {what: number for what, number in found.items() if number}}


def with_removed(entry: Mapping[str, Any], removed: Mapping[str, int]) -> Document:
    """Add to the counts of what was removed, over all tries.

    :param entry: the record.
    :param removed: documents per doctype, and ``staged`` files.
    """
    before: Mapping[str, int] = entry.get("removed", {})
    keys = [*before, *(key for key in removed if key not in before)]
    return {**entry, "removed": {key: before.get(key, 0) + removed.get(key, 0) for key in keys}}


def finished(entry: Mapping[str, Any], *, at: datetime, left: Mapping[str, int], tombstones: str) -> Document:
    """Close the record with the verification.

    A try that was killed may have removed documents without counting them: of those found at first none is left.

    :param entry: the record.
    :param at: the present, aware.
    :param left: what was found afterwards, per kind; all zero for a deletion that is complete.
    :param tombstones: what the server keeps of removed documents, in words.
    """
    removed: Mapping[str, int] = entry.get("removed", {})
    found: Mapping[str, int] = {} if any(left.values()) else entry.get("found", {})
    counts = {what: max(removed.get(what, 0), found.get(what, 0)) for what in {**removed, **found}}
    closed = {**entry, "removed": counts, "verified": dict(left), "tombstones": tombstones}
    return {**closed, "finished_at": utc_text(at)}
