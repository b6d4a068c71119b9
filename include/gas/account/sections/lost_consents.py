"""Which meters of an account have no usable consent in GRDF's list, and on which somebody else's stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from include.gas.account.sections.section import MeterSection, Names, Section, members, put
from include.gas.documents.gas_days import Document
from include.gas.meter_tag import meter_tag


class LostConsents(Names, frozen=True):
    """The meters without a usable consent, as the last look into GRDF's list noted."""

    key: ClassVar[str] = "consents_lost"
    written_by: ClassVar[str] = "whoever looks into GRDF's list; a new consent takes its meters out"


class SharedMeters(Names, frozen=True):
    """The meters that another account reads too, under a right of its own that is in force."""

    key: ClassVar[str] = "meters_shared"
    written_by: ClassVar[str] = "the check of consents every morning"


class OthersRights(Section, frozen=True):
    """The meters on which another right of ours stands, which the account has not brought.

    Each has the day on which the newest such right was made, null when GRDF does not say.

    :param made: by meter, that day
    """

    key: ClassVar[str] = "consents_of_others"
    shape: ClassVar[str] = "a day or null, by meter"
    has_table: ClassVar[bool] = False
    written_by: ClassVar[str] = "whoever looks into GRDF's list"

    made: dict[str, str | None]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the meters that are noted, each with the day of the other right.

        :param document: the account document
        """
        found = members(document.get(cls.key))
        return {pce: made if isinstance(made, str) else None for pce, made in found.items()}

    @classmethod
    def noted(cls, document: Mapping[str, Any], made: Mapping[str, str | None]) -> Document:
        """Note the meters in place of those that were noted.

        :param document: the account document
        :param made: the meters, each with the day of the other right
        :return: a new document
        """
        return put(document, cls.key, dict(made) or None)


class GivenBack(MeterSection, frozen=True):
    """A meter that was looked at once another right was found on it and the own ones were over.

    :param made: the day on which the other right was made, null when GRDF does not say
    :param since: the moment since which what was read is taken back, UTC; "" when nothing is
    """

    key: ClassVar[str] = "given_back"
    written_by: ClassVar[str] = "the check of consents every morning; meters that are not handed over lose the note"

    made: str | None
    since: str


def meters_lost(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the meters that are noted as without a usable consent.

    :param document: the account document
    """
    return frozenset(LostConsents.of(document))


def handed_over(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the meters that are noted and on which a right stands that the account has not brought.

    :param document: the account document
    """
    return meters_lost(document) & OthersRights.of(document).keys()


def lost_message(account: str, lost: Iterable[tuple[str, str]], others: Collection[str]) -> str:
    """Return what to say to a person about the meters without a usable consent.

    :param account: the account's id
    :param lost: the meters, each with how its consent stands
    :param others: meters on which a right stands that the account has not brought
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
    """Return the meters handed over that were looked at.

    :param document: the account document
    """
    noted = ((pce, GivenBack.of(document, pce)) for pce in handed_over(document))
    return {pce: note for pce, note in noted if note is not None}


def with_given_back(document: Mapping[str, Any], meters: Mapping[str, str]) -> Document:
    """Note that the handed over meters were looked at; others lose the note.

    :param document: the account document
    :param meters: those of which what was read is taken back, each with the moment since which it is
    :return: a new document
    """
    known, others = given_back(document), OthersRights.of(document)
    changed = put(document, GivenBack.key, None)
    for pce in sorted(handed_over(document)):
        since = meters.get(pce) or (known[pce].since if pce in known else "")
        changed = GivenBack(others.get(pce), since).noted(changed, pce)
    return changed
