"""Whether known accounts are gone from CouchDB in a way that no deletion explains."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set

FEW = 10
"""How many accounts, or else a fifth of them, may be gone since yesterday."""
AT_ONCE = 2000
"""Of how many accounts CouchDB is asked whether they were deleted: as many as one request may name."""
DELETED = "its document was deleted"


def vanished(
    present: Set[str],
    checked: Set[str] | None,
    deleted: Callable[[Collection[str]], Set[str]],
) -> tuple[Mapping[str, str], int]:
    """Return the accounts that are gone and should not be, each with what is known of it, and how many were known.

    Many that are gone are told in any case: another program may have deleted them by mistake. Of a small fleet more
    than half must be gone, or all, and those that were deleted are not missed: the last household may leave.

    :param present: the accounts that CouchDB holds
    :param checked: those of the last check, without those that ``grdf_delete_account`` has removed since; ``None`` if
        there was no check
    :param deleted: returns those of some accounts of which CouchDB remembers that they were deleted. It is called once
        at most
    """
    known = checked or frozenset()
    gone = known - present
    left_by_deletion = deleted(gone) if 0 < len(gone) <= AT_ONCE else set()
    if len(gone) > max(FEW, len(known) // 5):
        return {account: DELETED if account in left_by_deletion else "" for account in gone}, len(known)
    missed = gone - left_by_deletion
    if missed and (not present or len(missed) * 2 > len(known)):
        return dict.fromkeys(missed, ""), len(known)
    return {}, len(known)
