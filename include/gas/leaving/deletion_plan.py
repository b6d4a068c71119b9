"""The plan of a deletion: what it would revoke and remove, for the person who decides."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from include.gas.answers.access_rights import AccessRight
from include.gas.consents.consent import Consent


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deletion would revoke and remove.

    :param rights: the account's own rights to revoke: pairs of GRDF's id and the state
    :param documents: number of documents by doctype
    :param staged: number of staged files
    :param tokens: whether the account document contains tokens or a code
    :param notes: further sentences for the reader
    :param left_alone: other rights to its meters that are not revoked: pairs of GRDF's id and the reason
    :param gone: whether an earlier deletion has already removed the account document
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
        """Return a hash of what the plan takes away. It ignores the number of documents, which grows every day."""
        told = [self.account, self.keep_data, self.gone, sorted(right for right, _ in self.rights)]
        return blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()

    def text(self) -> str:
        """Return the plan as Markdown for the person who decides."""
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
            lines += ["* other documents there that name it: the konnector's, and those of programs that read the data"]
            lines += [f"* {self.staged} staged files", f"* the account document{', with its tokens' * self.tokens}"]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])


def standing(rights: Sequence[AccessRight]) -> tuple[AccessRight, ...]:
    """Return the rights that can be revoked when a household leaves: in force or waiting, and granted to us.

    :param rights: all rights to the account's meters
    """
    return tuple(right for right in rights if right.stands and right.role.startswith("autorise"))


NOT_BROUGHT, USED = "this account has not brought it", "another account uses it"
"""Reasons for not revoking a right to a meter of an account that leaves."""


def to_revoke(
    rights: Sequence[AccessRight], meters: Iterable[Consent], used: Collection[str]
) -> tuple[tuple[AccessRight, ...], dict[str, str]]:
    """Divide the rights to the meters of an account that leaves into those to revoke and those to leave alone.

    :param rights: the rights from :func:`standing`
    :param meters: the account's meters, each with the rights that it brought
    :param used: ids of rights that other accounts have brought too
    :return: the rights to revoke; and the reasons for leaving the others alone, by GRDF's id
    """
    own = {right for meter in meters for right in meter.own}
    left = {right.id: NOT_BROUGHT if right.id not in own else USED for right in rights}
    mine = tuple(right for right in rights if right.id in own and right.id not in used)
    return mine, {right: why for right, why in left.items() if right not in {each.id for each in mine}}
