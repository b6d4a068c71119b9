"""A city's own buildings: an operator's CSV groups the meters of our own contracts into accounts.

No holder consents to such a right (``Role.is_own``), GRDF names none, and only the operator knows which meters are of
one building.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from typing import NamedTuple

from include.gas.account.client import client_or_empty
from include.gas.account.marks import leaving_asker
from include.gas.account.status import is_building
from include.gas.answers.access_rights import AccessRight, is_pce, is_usable
from include.gas.answers.french_words import day_in
from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import ACCOUNT_ID
from include.gas.importing.csv_file import read_lines
from include.gas.importing.right_adoption import KnownState
from include.gas.meter_tag import without_numbers

UNLISTED = "GRDF lists no right in force of our own contract to it"
LEAVING = "the account of its building is being deleted"
LEFT = "the account of its building was deleted, and no id is used twice. Give the building another id"
TAKEN = "a household has its meter, with a consent. It is read there until that has left"
ELSEWHERE = "it is read under another account. Delete that account first, if its building is this one"
OTHER_CLIENT = "its building is read by another client. Give its meters of this client a building of their own"
HOUSEHOLD = "the account with the id of its building is a household's. Give the building another id"
LONGEST_NAME = 100


class Building(NamedTuple):
    """A building of the file: its account's id, the name to show, and the first gas day of a meter, if not all."""

    account: str
    name: str
    first: date | None = None


class PlannedBuilding(NamedTuple):
    """A meter of our own contract: its building, if the file names it, the rights that it is to get, or why not."""

    pce: str
    building: Building | None
    rights: Sequence[AccessRight]
    reason: str = ""


def read_buildings(content: bytes) -> tuple[dict[str, Building], dict[int, str]]:
    """Return the buildings in a CSV by meter, and what is wrong by line; ``BadRequest`` if it cannot be read."""
    found, wrong, names = dict[str, Building](), dict[int, str](), dict[str, str]()
    for number, cells in read_lines(content, "buildings").items():
        pce, account = cells.get("meter", ""), cells.get("building", "")
        first = day_in(cells.get("first"))
        building = Building(account, cells.get("name", "")[:LONGEST_NAME] or account, first)
        if not ACCOUNT_ID.fullmatch(account):
            wrong[number] = "its building is not an id: 1 to 128 letters, digits, '_' and '-', not beginning with '_'"
        elif without_numbers(account, account) != account:
            wrong[number] = "its building has a meter's number in its id, which is in addresses and logs"
        elif names.setdefault(account, building.name) != building.name:
            wrong[number] = "another line gives its building another name"
        elif cells.get("first") and not first:
            wrong[number] = "its first day is not written as 2026-03-31"
        elif not is_pce(pce):
            wrong[number] = "its meter is not 14 digits, or GI and 6 digits. Format the column as text"
        elif found.setdefault(pce, building) != building:
            wrong[number] = "another line gives its meter another building, which counts"
    return found, wrong


def plan_buildings(
    listed: Iterable[AccessRight], client: str, known: KnownState, buildings: Mapping[str, Building]
) -> Iterator[PlannedBuilding]:
    """Yield what is to be done about each meter of our own contracts in a client's list."""
    today, of_meter = paris_today(known.now), dict[str, list[AccessRight]]()
    for right in listed:
        if right.role and right.role.is_own and is_usable(right, today):
            of_meter.setdefault(right.pce, []).append(right)
    for pce, rights in of_meter.items():
        building, owners = buildings.get(pce), {known.owners.get(right.id, "") for right in rights} & {*known.accounts}
        new = [right for right in rights if known.owners.get(right.id) not in owners]
        if building is None:
            if not owners:
                yield PlannedBuilding(pce, None, new)
        else:
            yield PlannedBuilding(pce, building, new, _reason(building, client, known, owners))


def _reason(building: Building, client: str, known: KnownState, owners: Set[str]) -> str:
    document = known.accounts.get(building.account)
    if owners - {building.account}:
        return ELSEWHERE
    if building.account in known.left:
        return LEFT
    if document is None:
        return ""
    if leaving_asker(document) is not None:
        return LEAVING
    if not is_building(document):
        return HOUSEHOLD
    return "" if client_or_empty(document) == client else OTHER_CLIENT
