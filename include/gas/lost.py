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


GIVEN_BACK = "given_back"
"""Key of an account document: meters on which another right was found when the own ones were over, each with the day on
which it was made, and the moment since which what was read is taken back."""


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


def given_back(document: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Give the meters handed over that were looked at: the day of the other right, and since when days are taken back.

    :param document: the account document; an odd note counts as none.
    """
    noted = document.get(GIVEN_BACK)
    entries = noted.items() if isinstance(noted, Mapping) else ()
    gone = handed_over(document)
    return {
        pce: (entry.get("made"), str(entry.get("since") or ""))
        for pce, entry in entries
        if pce in gone and isinstance(entry, Mapping)
    }


def with_given_back(document: Mapping[str, Any], meters: Mapping[str, str]) -> Document:
    """Note that the handed over meters were looked at; others lose the note.

    :param document: the account document.
    :param meters: those of which what was read is taken back, each with the moment since which it is.
    :return: a new document.
    """
    known, others = given_back(document), document.get(FOREIGN) or {}
    noted = {
        pce: {"made": others.get(pce), "since": meters.get(pce) or known.get(pce, (None, ""))[1]}
        for pce in sorted(handed_over(document))
    }
    changed = {key: value for key, value in document.items() if key != GIVEN_BACK}
    return changed | {GIVEN_BACK: noted} if noted else changed
