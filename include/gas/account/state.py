"""The state of an account: Cozy's word for what is wrong, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.gas.account.sections.section import copied
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.meter_tag import without_numbers

UNEXPLAINED = "state_unexplained"
"""Key of account documents of former versions: their state came from a refusal without a reason. It goes with it."""

_CLEARED = ("state_message", "state_since", "state_partial", UNEXPLAINED)


def state_message(document: Mapping[str, Any]) -> str:
    """Return the sentence that goes with the state, "" when there is none.

    :param document: the account document
    """
    return str(document.get("state_message") or "")


def state_since(document: Mapping[str, Any]) -> str:
    """Return when the state was noticed first, UTC text, "" when that is not noted.

    :param document: the account document
    """
    return str(document.get("state_since") or "")


def is_partial(document: Mapping[str, Any]) -> bool:
    """Return whether the state concerns some of the account's meters only.

    :param document: the account document
    """
    return document.get("state_partial") is True


def with_state(
    document: Mapping[str, Any],
    state: str | None,
    message: str = "",
    since: datetime | str | None = None,
    *,
    partial: bool = False,
) -> Document:
    """Put a state into an account document.

    :param document: the account document
    :param state: Cozy's word, or None when all is well
    :param message: why, for a person; must hold no secret. Meters are named by their tags in it: runs log it
    :param since: when it was noticed, aware; kept from before while the state stays the same
    :param partial: whether it concerns some of the account's meters only, so that the others are read on
    :return: a new document, equal to the old one when it said so already
    """
    changed = copied(document)
    if state is None:
        for key in _CLEARED:
            changed.pop(key, None)
        if changed.get("state"):
            changed["state"] = None
        return changed
    same = changed.get("state") == state
    changed["state"] = state
    changed["state_message"] = without_numbers(message, str(document.get("_id")))
    for key in ("state_partial", UNEXPLAINED):
        changed.pop(key, None)
    if partial:
        changed["state_partial"] = True
    if since is not None and not (same and changed.get("state_since")):
        changed["state_since"] = utc_text(since)
    return changed
