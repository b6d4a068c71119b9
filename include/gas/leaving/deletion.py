"""The deletion of an account: its plan, and its record, the one place of its question, approval and progress."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from include.gas.answers.access_rights import WAITING
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import AccountLeaving, HouseholdHasLeft
from include.gas.rights.meter_rights import Meter, Right

STANDING = {"active": "active", "waiting": WAITING}
NOT_BROUGHT, USED = "this account has not brought it", "another account uses it"
OWN = "it is of our own contract, which nobody has consented to"
FREE_DAY_KEPT = (
    "com-grandlyon-grdf-audit, ~free:...: the day from which a meter of the household is free, under a keyed hash of "
    "its number, so that nobody who connects it later gets the household's days. grdf_retention removes it once GRDF "
    "serves no day before it, after five years"
)
"""What the record says of the only thing about the household's meters that stays."""
LONGEST = timedelta(days=1)
"""How long a deletion may take before it is reported."""


class DeletionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A run that asks for a deletion.

    :param run: Airflow's id of the run, which a user can choose and reuse
    :param started: UTC text by Airflow, which no user can choose; with the id it identifies the order
    :param rights: GRDF's ids of the rights to revoke, as the approver reads them; empty without approval
    """

    run: str
    started: str
    asked_by: str
    keep_data: bool
    rights: list[str] = []
    approved_by: str = ""
    approved_at: str = ""

    def is_approved(self, *, by_one_person: bool) -> bool:
        """Return whether another person, or ``by_one_person`` the asker, has approved it."""
        return self.approved_by != "" and (by_one_person or self.asked_by.casefold() != self.approved_by.casefold())

    def matches(self, noted: Mapping[str, Any]) -> bool:
        """Return whether a record's question, or what it carries out, is this order's."""
        return (noted.get("run"), noted.get("started")) == (self.run, self.started)

    def with_approval_from(self, entry: Mapping[str, Any]) -> DeletionOrder:
        """Return the order with the record's approval, if it has one."""
        return next(
            (msgspec.convert(each, DeletionOrder) for each in (*entry["questions"], entry) if self.matches(each)), self
        )


def open_record(account: str, records: Sequence[Document]) -> Document:
    """Return the open record of an account's deletion, or a new one. ``records``: the oldest first."""
    last = records[-1] if records else None
    if last and not last.get("finished_at"):
        return last
    number = int(last["_id"].rpartition(":")[2]) + 1 if last else 1
    return {
        "_id": f"{account}:{number:04}", "account": account, "questions": [], "revoked": [], "left_alone": {},
        "removed": {}, "finished_at": None,
    }  # fmt: skip


def with_request(entry: Mapping[str, Any], order: DeletionOrder) -> Document:
    """Return the record with this order as its question, in place of an earlier version of it."""
    others = [each for each in entry["questions"] if not order.matches(each)]
    return {**entry, "questions": [*others, msgspec.to_builtins(order)]}


def begin_deletion(entry: Mapping[str, Any], order: DeletionOrder, at: datetime) -> Document:
    """Return the record of a deletion that this order carries out from now on. A removal of data continues."""
    keep_data = order.keep_data and entry.get("keep_data", True)
    carried_out = msgspec.to_builtins(order) | {"keep_data": keep_data}
    return {**entry, **carried_out, "begun_at": entry.get("begun_at") or utc_text(at)}


def is_open(entry: Mapping[str, Any]) -> bool:
    """Return whether a record's deletion has begun and not ended."""
    return bool(entry.get("begun_at")) and not entry.get("finished_at")


def check_nothing_removed(account: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``AccountLeaving`` if a deletion has begun to remove an account's data. ``records``: the oldest first."""
    if records and is_open(records[-1]) and records[-1]["removed"]:
        raise AccountLeaving.about(
            account, "its deletion has begun to remove what is stored, so a copy of its data would lack some"
        )


def format_plan(
    account: str,
    rights: Mapping[str, str],
    left_alone: Mapping[str, str],
    removed: Mapping[str, int] | None,
    notes: Iterable[str] = (),
) -> str:
    """Return what a deletion would revoke and remove (nothing for ``None``), as Markdown for the approver."""
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
    """Divide the rights to an account's meters into its own and those to leave alone, with reasons by id.

    :param used: GRDF's ids of rights that other accounts' documents name
    """
    own: list[tuple[str, Right]] = []
    others: dict[str, str] = {}
    for meter in meters:
        for right in meter.rights:
            if right.id and right.account == account and right.role.is_own:
                others[right.id] = OWN
            elif right.id and right.account == account and right.id not in used:
                own.append((meter.pce, right))
            elif right.id and right.state in STANDING:
                others[right.id] = USED if right.account else NOT_BROUGHT
    return own, others


def unfinished_deletions(
    records: Iterable[Mapping[str, Any]], accounts: Collection[str], now: datetime
) -> dict[str, str]:
    """Return the accounts with an incomplete deletion and why, as a clause. ``records``: the oldest first."""
    found: dict[str, str] = {}
    for each in records:
        if is_open(each) and each["begun_at"] < utc_text(now - LONGEST):
            found[each["account"]] = f"its deletion of {each['begun_at'][:10]} has not ended"
        elif each.get("finished_at") and not each.get("keep_data") and each["account"] in accounts:
            found[each["account"]] = f"deleted on {each['finished_at'][:10]}, and back, as by a restored backup"
    return found


def left_accounts(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return when households left, UTC text by account: ids are never used again. ``records``: the oldest first."""
    removing = (each for each in records if each.get("begun_at") and not each.get("keep_data"))
    return {str(each["account"]): str(each["finished_at"] or each["begun_at"]) for each in removing}


def household_left_error(account: str, day: str) -> HouseholdHasLeft:
    """Return the error about an account that exists although its household left on ``day``, UTC text."""
    return HouseholdHasLeft.about(
        account,
        f"its household left on {day[:10]}, but the account exists again, for example because a backup was restored. "
        "It is not read",
    )
