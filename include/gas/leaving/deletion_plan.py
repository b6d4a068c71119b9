"""The plan of a deletion: what it would revoke and remove, for the person who decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from include.gas.answers.access_rights import WAITING
from include.gas.rights.meter_rights import Meter, Right
from include.gas.rights.transitions import left

STANDING = {"active": "active", "waiting": WAITING}
"""The states of a right that must be revoked if its household leaves, in words."""
NOT_BROUGHT, USED = "this account has not brought it", "another account uses it"
"""Reasons for not revoking a right to a meter of an account that leaves."""


def plan_text(
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
    lines = [f"Account **{account}**", "", f"Consents to revoke at GRDF: {len(rights)}"]
    lines += [f"* {right} ({STANDING[state]})" for right, state in rights.items()]
    if left_alone:
        lines += ["", f"Other consents on its meters, which stay: {len(left_alone)}"]
        lines += [f"* {right} ({why})" for right, why in left_alone.items()]
    if removed is None:
        lines += ["", "Nothing is removed: *keep the data* was chosen."]
    else:
        lines += ["", "To remove:"]
        lines += [f"* {number} {what}" for what, number in removed.items()]
        lines += ["* other documents there that name it: the konnector's, and those of programs that read the data"]
        lines += ["* the account document, with its tokens"]
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])


def divide(
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


def forget(meter: Meter, account: str) -> Meter:
    """Remove the rights of an account that is gone, and those that nobody has and that are over."""
    rights = left(meter, account).rights
    return replace(meter, rights=tuple(right for right in rights if right.account or right.state in STANDING))
