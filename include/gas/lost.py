"""Which meters of an account have no usable consent in GRDF's list, as the last daily check noted it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from include.gas.documents import Document

LOST, ENDS = "consents_lost", "consent_ends"
"""Keys of an account document: those meters, and the last day of a consent that ends soon."""


def meters_lost(document: Mapping[str, Any]) -> frozenset[str]:
    """Give the meters that are noted.

    :param document: the account document; an odd note counts as none.
    """
    lost = document.get(LOST)
    return frozenset(pce for pce in lost if isinstance(pce, str)) if isinstance(lost, list) else frozenset()


def with_lost(document: Mapping[str, Any], lost: Collection[str]) -> Document:
    """Note the meters.

    :param document: the account document.
    :param lost: the meters, in the order they are to be named.
    :return: a new document.
    """
    changed = {key: value for key, value in document.items() if key != LOST}
    return changed | {LOST: list(lost)} if lost else changed
