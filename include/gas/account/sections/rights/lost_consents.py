"""Which meters have no usable consent in GRDF's list, and which have a consent that somebody else has given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from include.gas.account.sections.section import MeterSection, Names, Section, members, put
from include.gas.documents.gas_days import Document
from include.gas.meter_tag import meter_tag


class LostConsents(Names, frozen=True):
    """The meters without a usable consent when GRDF's list was last checked."""

    key: ClassVar[str] = "consents_lost"


class SharedMeters(Names, frozen=True):
    """The meters that another account reads too, under its own right in force."""

    key: ClassVar[str] = "meters_shared"


class OthersRights(Section, frozen=True):
    """The meters with another right that is granted to us but that this account has not brought.

    Each has the day on which the newest such right was created; null when GRDF does not say.

    :param made: the day by meter
    """

    key: ClassVar[str] = "consents_of_others"

    made: dict[str, str | None]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the noted meters, each with the day on which the other right was created."""
        found = members(document.get(cls.key))
        return {pce: made if isinstance(made, str) else None for pce, made in found.items()}

    @classmethod
    def noted(cls, document: Mapping[str, Any], made: Mapping[str, str | None]) -> Document:
        """Return the account document with these meters noted instead of the former ones.

        :param made: the meters, each with the day on which the other right was created
        """
        return put(document, cls.key, dict(made) or None)


class GivenBack(MeterSection, frozen=True):
    """A meter whose stored days were checked after another right to it appeared and the account's own rights had ended.

    :param made: day on which the other right was created; null when GRDF does not say
    :param since: moment from which the data that we read were removed again, UTC; empty if nothing was removed
    """

    key: ClassVar[str] = "given_back"

    made: str | None
    since: str


def meters_lost(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the meters that are noted as having no usable consent."""
    return frozenset(LostConsents.of(document))


def handed_over(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the meters without a usable consent to which somebody else has given us a right."""
    return meters_lost(document) & OthersRights.of(document).keys()


def lost_message(account: str, lost: Iterable[tuple[str, str]], others: Collection[str]) -> str:
    """Return a message for people about the meters without a usable consent.

    :param lost: the meters, each with the state of its consent in words
    :param others: meters with a right that the account has not brought
    """
    lost = tuple(lost)
    said = "; ".join(f"meter {meter_tag(account, pce)}: the consent is {state}" for pce, state in lost)
    message = f"Account {account}: {said} according to GRDF's list. The household must consent again."
    if {pce for pce, _ in lost} & set(others):
        message += (
            " Another consent is in force on the meter, which this account did not bring and so does not use: it may "
            "belong to whoever lives there now. If it is this household's, let it connect again, or start "
            "grdf_consents with this account."
        )
    return message


def given_back(document: Mapping[str, Any]) -> dict[str, GivenBack]:
    """Return the notes of the handed-over meters that were checked, by meter."""
    noted = ((pce, GivenBack.of(document, pce)) for pce in handed_over(document))
    return {pce: note for pce, note in noted if note is not None}


def with_given_back(document: Mapping[str, Any], meters: Mapping[str, str]) -> Document:
    """Return the account document with a note that the handed-over meters were checked. Other meters lose the note.

    :param meters: the meters whose data were removed, each with the moment from which they were
    """
    known, others = given_back(document), OthersRights.of(document)
    changed = put(document, GivenBack.key, None)
    for pce in sorted(handed_over(document)):
        since = meters.get(pce) or (known[pce].since if pce in known else "")
        changed = GivenBack(others.get(pce), since).noted(changed, pce)
    return changed
