"""The state of an account: Cozy's word for what is wrong, and the explanation for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.gas.account.sections.section import copied
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED, VENDOR_DOWN, GasError
from include.gas.meter_tag import without_numbers

_CLEARED = ("state_message", "state_since", "state_partial")


def state_message(document: Mapping[str, Any]) -> str:
    """Return the explanation of the state; ``""`` if there is none."""
    return str(document.get("state_message") or "")


def state_since(document: Mapping[str, Any]) -> str:
    """Return when the state was first noticed, UTC text; ``""`` if unknown."""
    return str(document.get("state_since") or "")


def is_partial(document: Mapping[str, Any]) -> bool:
    """Return whether the state concerns only some of the account's meters."""
    return document.get("state_partial") is True


def with_state(
    document: Mapping[str, Any],
    state: str | None,
    message: str = "",
    since: datetime | str | None = None,
    *,
    partial: bool = False,
) -> Document:
    """Return the account document with a new state. It is equal to the old one if that has the same state.

    :param state: Cozy's word; ``None`` when all is well
    :param message: the reason, for a person. It is logged, so it must not contain secrets. Meter numbers in it are
        replaced by tags
    :param since: when the state was noticed, aware. While the state does not change, the earlier moment is kept
    :param partial: whether the state concerns only some of the meters, so that the others are still read
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
    changed.pop("state_partial", None)
    if partial:
        changed["state_partial"] = True
    if since is not None and not (same and changed.get("state_since")):
        changed["state_since"] = utc_text(since)
    return changed


def with_error(document: Document, error: GasError, *, since: datetime, partial: bool = False) -> Document:
    """Return the account document with what a person must do about a failure.

    :param error: its class says which Cozy state goes with it; without one the document stays the same
    :param since: an aware datetime, the present
    :param partial: whether other meters of the account can still be read
    """
    waits_for_person = str(document.get("state") or "").startswith(USER_ACTION_NEEDED)
    if not error.state or (error.state == VENDOR_DOWN and waits_for_person):
        return document  # what passes by itself hides nothing that a person must do
    return with_state(document, error.state, str(error), since=since, partial=partial)
