"""Whether known accounts are gone from CouchDB in a way that no deletion explains."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set

FEW = 10
"""How many accounts, or else a fifth of them, may be gone since yesterday, as in ``grdf.airflow.account_list``."""


def vanished(
    present: Set[str],
    checked: Set[str] | None,
    listed: Set[str],
    deleted: Callable[[Collection[str]], Set[str]],
) -> tuple[Set[str], int]:
    """Return the accounts that are gone and should not be, and how many were known.

    That all are gone is no matter of their number: the last household may leave, but then it was deleted.

    :param present: the accounts that CouchDB holds
    :param checked: those of the last check, without those that ``grdf_delete_account`` has removed since; ``None`` if
        there was no check
    :param listed: those of the last account list
    :param deleted: returns those of some accounts of which CouchDB remembers that they were deleted
    """
    known = (checked or set()) | listed
    gone = known - present
    if len(gone) > max(FEW, len(known) // 5):
        return gone, len(known)
    expected = listed if checked is None else checked
    if not present and expected and (left := expected - deleted(expected)):
        return left, len(known)
    return set(), len(known)
