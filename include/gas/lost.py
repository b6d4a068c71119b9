"""Which meters of an account have no usable consent in GRDF's list, as the last look into it noted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from include.gas.documents import Document
from include.gas.meter_tag import meter_tag

LOST, ENDS, FOREIGN, SHARED = "consents_lost", "consent_ends", "consents_of_others", "meters_shared"
"""Keys of an account document: those meters; the last day of a consent that ends soon; meters on which another right of
ours stands, which the account has not brought, each with the day on which it was made; meters that are read for another
account too."""


def meters_lost(document: Mapping[str, Any]) -> frozenset[str]:
    """Give the meters that are noted.

    :param document: the account document; an odd note counts as none.
    """
    lost = document.get(LOST)
    return frozenset(pce for pce in lost if isinstance(pce, str)) if isinstance(lost, list) else frozenset()


def handed_over(document: Mapping[str, Any]) -> frozenset[str]:
    """Give the meters that are noted and on which a right stands that the account has not brought.

    :param document: the account document.
    """
    others = document.get(FOREIGN)
    return meters_lost(document) & (others.keys() if isinstance(others, Mapping) else frozenset())


def with_lost(document: Mapping[str, Any], lost: Collection[str]) -> Document:
    """Note the meters.

    :param document: the account document.
    :param lost: the meters, in the order they are to be named.
    :return: a new document.
    """
    changed = {key: value for key, value in document.items() if key != LOST}
    return changed | {LOST: list(lost)} if lost else changed


def lost_message(account: str, lost: Iterable[tuple[str, str]], others: Collection[str]) -> str:
    """Say to a person which meters have no usable consent.

    :param account: the account's id.
    :param lost: the meters, each with how its consent stands.
    :param others: meters on which a right stands that the account has not brought.
    """
    lost = tuple(lost)
    said = "; ".join(f"meter {meter_tag(account, pce)}: the consent is {state}" for pce, state in lost)
    message = f"Account {account}: {said} according to GRDF's list. The household must consent again."
    if {pce for pce, _ in lost} & set(others):
        message += (
            " Another consent stands on the meter, which this account has not brought and so does not use: it may be "
            "that of whoever lives there now. If it is this household's, let it connect again, or start grdf_consents "
            "with this account."
        )
    return message


def shared_meters(document: Mapping[str, Any]) -> list[str]:
    """Give the meters that are noted as another account's too.

    :param document: the account document; an odd note counts as none.
    """
    shared = document.get(SHARED)
    return [pce for pce in shared if isinstance(pce, str)] if isinstance(shared, list) else []


def with_shared(document: Mapping[str, Any], meters: Collection[str]) -> Document:
    """Note the meters that are another account's too.

    :param document: the account document.
    :param meters: the meters.
    :return: a new document.
    """
    changed = {key: value for key, value in document.items() if key != SHARED}
    return changed | {SHARED: list(meters)} if meters else changed
