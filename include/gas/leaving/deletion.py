"""The deletion of a household: its plan, for the person who decides, and its record, the one place of its progress.

An account has at most one open record. A run that asks for the deletion notes its order there as the question, with
the rights that a person reads of, and then who has approved it. What is carried out is at the top of the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from include.gas.answers.access_rights import WAITING
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import HouseholdHasLeft
from include.gas.rights.meter_rights import Meter, Right

STANDING = {"active": "active", "waiting": WAITING}
"""The states of a right that must be revoked if its household leaves, in words."""
NOT_BROUGHT, USED = "this account has not brought it", "another account uses it"
"""Reasons for not revoking a right to a meter of an account that leaves."""
LONGEST = timedelta(days=1)
"""How long a deletion may take before somebody is told."""


class DeletionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A run that asks for a deletion, from its question on.

    :param run: Airflow's id of the run. Who starts a run can choose it, and can reuse the id of a removed run
    :param started: when Airflow started the run, UTC text. Nobody can choose it. It changes when tasks of a finished
        run are cleared: with the id, it names what was asked for, by whom
    :param asked_by: Airflow user who started the run
    :param rights: GRDF's ids of the rights to revoke, as the approver reads them; empty if nobody has to approve. The
        number of documents grows every day, and is not approved
    :param approved_by: Airflow user who approved; ``""`` if nobody has yet
    :param approved_at: when, UTC text
    """

    run: str
    started: str
    asked_by: str
    keep_data: bool
    rights: list[str] = []
    approved_by: str = ""
    approved_at: str = ""

    def is_approved(self, *, by_one_person: bool) -> bool:
        """Return whether somebody else than who asked has approved it.

        :param by_one_person: whether one person runs the installation, and may approve what that one asked for
        """
        return self.approved_by != "" and (by_one_person or self.asked_by.casefold() != self.approved_by.casefold())

    def matches(self, noted: Mapping[str, Any]) -> bool:
        """Return whether a question of a record is this order's, or what the record carries out."""
        return (noted.get("run"), noted.get("started")) == (self.run, self.started)

    def with_approval_from(self, entry: Mapping[str, Any]) -> DeletionOrder:
        """Return the order as a record has it, with the approval; as it is if the record has it not."""
        return next(
            (msgspec.convert(each, DeletionOrder) for each in (*entry["questions"], entry) if self.matches(each)), self
        )


def open_record(account: str, records: Sequence[Document]) -> Document:
    """Return the open record of an account's deletion, or a new one.

    :param records: the account's records, the oldest first
    """
    last = records[-1] if records else None
    if last and not last.get("finished_at"):
        return last
    number = int(last["_id"].rpartition(":")[2]) + 1 if last else 1
    return {
        "_id": f"{account}:{number:04}", "account": account, "questions": [], "revoked": [], "left_alone": {},
        "removed": {}, "finished_at": None,
    }  # fmt: skip


def with_request(entry: Mapping[str, Any], order: DeletionOrder) -> Document:
    """Return the record with what waits for an approval, or has it, instead of what it said of this order before."""
    others = [each for each in entry["questions"] if not order.matches(each)]
    return {**entry, "questions": [*others, msgspec.to_builtins(order)]}


def begin_deletion(entry: Mapping[str, Any], order: DeletionOrder, at: datetime) -> Document:
    """Return the record of a deletion that a run carries out from now on, be it begun by another one.

    One that has begun to remove the data goes on with that.
    """
    keep_data = order.keep_data and entry.get("keep_data", True)
    carried_out = msgspec.to_builtins(order) | {"keep_data": keep_data}
    return {**entry, **carried_out, "begun_at": entry.get("begun_at") or utc_text(at)}


def is_open(entry: Mapping[str, Any]) -> bool:
    """Return whether a record is of a deletion that has begun and not ended."""
    return bool(entry.get("begun_at")) and not entry.get("finished_at")


def format_plan(
    account: str,
    rights: Mapping[str, str],
    left_alone: Mapping[str, str],
    removed: Mapping[str, int] | None,
    notes: Iterable[str] = (),
) -> str:
    """Return what a deletion would revoke and remove, as Markdown for the person who decides.

    :param rights: the account's own rights to revoke: their states by GRDF's id
    :param left_alone: other rights to its meters, which are not revoked: the reasons by GRDF's id
    :param removed: how many there are of what is removed, in words; ``None`` if the data are kept
    :param notes: further sentences for the reader
    """
    own = [f"{right} ({STANDING[state]})" for right, state in rights.items()]
    sections = {f"Consents to revoke at GRDF: {len(rights)}": own}
    if left_alone:
        title = f"Other consents on its meters, which stay: {len(left_alone)}"
        sections[title] = [f"{right} ({why})" for right, why in left_alone.items()]
    if removed is None:
        sections["Nothing is removed: *keep the data* was chosen."] = []
    else:
        sections["To remove:"] = [
            *(f"{number} {what}" for what, number in removed.items()),
            "other documents there that name it: the konnector's, and those of programs that read the data",
            "the account document, with its tokens",
        ]
    lists = ["\n".join([title, *(f"* {each}" for each in items)]) for title, items in sections.items()]
    return "\n\n".join([f"Account **{account}**", *lists, *notes])


def divide_rights(
    meters: Iterable[Meter], account: str, used: Collection[str] = ()
) -> tuple[list[tuple[str, Right]], dict[str, str]]:
    """Divide the rights to the meters of an account that leaves into its own and those to leave alone.

    :param used: GRDF's ids of rights that the documents of other accounts name
    :return: its own rights that GRDF has given an id, whatever their state, each with its meter; and of the others
        that stand the reasons for leaving them alone, by GRDF's id
    """
    own: list[tuple[str, Right]] = []
    others: dict[str, str] = {}
    for meter in meters:
        for right in meter.rights:
            if right.id and right.account == account and right.id not in used:
                own.append((meter.pce, right))
            elif right.id and right.state in STANDING:
                others[right.id] = USED if right.account else NOT_BROUGHT
    return own, others


def unfinished_deletions(
    records: Iterable[Mapping[str, Any]], accounts: Collection[str], now: datetime
) -> dict[str, str]:
    """Return the accounts whose household has left and that are not gone, each with why, as a clause.

    :param records: the records of all deletions, the oldest of an account first
    :param accounts: all that there are
    """
    found: dict[str, str] = {}
    for each in records:
        if is_open(each) and each["begun_at"] < utc_text(now - LONGEST):
            found[each["account"]] = f"its deletion of {each['begun_at'][:10]} has not ended"
        elif each.get("finished_at") and not each.get("keep_data") and each["account"] in accounts:
            found[each["account"]] = f"deleted on {each['finished_at'][:10]}, and back, as by a restored backup"
    return found


def left_accounts(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the accounts whose household has left or leaves for good, each with when: their ids are never used again.

    :param records: the records of deletions, the oldest of an account first
    :return: UTC texts by account
    """
    removing = (each for each in records if each.get("begun_at") and not each.get("keep_data"))
    return {str(each["account"]): str(each["finished_at"] or each["begun_at"]) for each in removing}


def household_left_error(account: str, day: str) -> HouseholdHasLeft:
    """Return the error that says what a person has to do about an account that exists although its household left.

    :param day: when it left, UTC text
    """
    return HouseholdHasLeft.about(
        account,
        f"its household left on {day[:10]}, but the account exists again, for example because a backup was restored. "
        "It is not read",
    )
