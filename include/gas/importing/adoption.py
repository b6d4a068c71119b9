"""Rights at GRDF that no account has: which account each is for. Whether it may have it is for the ledger to say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import Declaration, names_person
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, BadRequest
from include.gas.rights.meter_rights import Meter

_PATTERN = re.compile(r"[A-Za-z0-9_-]*(\{(right|short)\}[A-Za-z0-9_-]*)+")
DEFAULT_PATTERN = "right-{right}"

DIFFER = (
    "several rights to its meter are in force, and not all are known to be of the same holder. Ask GRDF or the holders "
    "whose right is to stay, and have the others revoked"
)
TAKEN = (
    "another account has its meter. If it is the same household, start grdf_consents with that account; if that "
    "household has moved out, delete that account first"
)
ASKED = (
    "an account asks for its meter, and is about to be given it unless GRDF has refused that. If it is the same "
    "household, start grdf_consents with that account"
)
BRINGING = (
    "it was made within the last hour, and an account is about to bring what its household has just given. Start this "
    "again in an hour"
)
LEFT = "its household has left. If GRDF's list still shows it tomorrow, ask GRDF to revoke it"
ID_TAKEN = "there is an account with the id that the pattern gives it. Choose another pattern"


@dataclass(frozen=True, slots=True)
class Adoption:
    """An account, and the rights of one holder to one meter that it is to get.

    :param account: its id; it may not exist yet
    :param rights: the rights, oldest first
    :param client: the connection of the client that has them
    :param reason: why it cannot have them, whatever the ledger says; ``""`` if it may
    """

    account: str
    rights: tuple[AccessRight, ...] = field(repr=False)
    client: str
    reason: str = ""

    @property
    def pce(self) -> str:
        """The meter."""
        return self.rights[0].pce

    @property
    def names(self) -> str:
        """GRDF's ids of the rights, for messages."""
        return ", ".join(right.id for right in self.rights)


@dataclass(frozen=True)
class Known:
    """What we have.

    :param accounts: all account documents, by their ids
    :param meters: all meters, by their numbers
    :param gone: GRDF's ids of rights that deletions have revoked; its list may show them for some time
    :param now: an aware datetime, the present
    :param several: whether a meter may be in several accounts
    """

    accounts: dict[str, Mapping[str, Any]]
    meters: Mapping[str, Meter]
    gone: Collection[str]
    now: datetime
    several: bool = False

    @property
    def today(self) -> date:
        """The civil date in Paris."""
        return paris_today(self.now)

    @cached_property
    def asking(self) -> dict[str, str]:
        """The accounts that ask for a right to be declared, by meter."""
        given = ((name, Declaration.of(each)) for name, each in self.accounts.items() if names_person(each))
        return {"".join(asked.pce.split()): name for name, asked in given if asked}

    @cached_property
    def bringing(self) -> set[str]:
        """The clients of accounts whose household has come back from GRDF's site, and that have not taken that in."""
        accounts = (each for each in self.accounts.values() if _brings(each))
        return {client for each in accounts if (client := client_if_known(each))}

    def meter(self, pce: str) -> Meter:
        """Return the rights to a meter."""
        return self.meters.get(pce) or Meter(pce=pce)

    def owner(self, right: AccessRight) -> str:
        """Return the account that the ledger says has a right; ``""`` if none has."""
        return next((each.account for each in self.meter(right.pce).rights if each.id == right.id), "")


def check_pattern(pattern: object) -> str:
    """Return the pattern of account ids, checked.

    :raises BadRequest: if it names no part of the right's id, or makes ids that accounts cannot have
    """
    with suppress(ValueError):
        if _PATTERN.fullmatch(str(pattern)):
            check_account_id(str(pattern).format(right="r" * 64, short="r" * 8))
            return str(pattern)
    raise BadRequest.about(
        None,
        "id_pattern is not a pattern of account ids",
        "Nothing was done. Use letters, digits, '_' and '-' with {right} (GRDF's id of the right) or {short} (its "
        f"first 8 characters), such as {DEFAULT_PATTERN}.",
    )


def adoptions(
    listed: Iterable[AccessRight], client: str, known: Known, pattern: str, counts: Counter[str]
) -> Iterator[Adoption]:
    """Yield the accounts that are to get the rights in a client's list, also those that cannot have them.

    :param client: the client's connection
    :param pattern: of the ids of new accounts, see :func:`check_pattern`
    :param counts: how many usable rights accounts have already (``have_one``), and how many rights are not in force or
        not for daily data of gas use (``unusable``), to which this adds
    """
    rights = {right.id: right for right in listed}
    free: dict[str, dict[tuple[str, ...], list[AccessRight]]] = {}
    for right in sorted(rights.values(), key=lambda each: (each.created_at, each.created or date.min)):
        if not is_usable(right, known.today):
            counts["unusable"] += 1
        elif known.owner(right) in known.accounts:
            counts["have_one"] += 1
        else:
            holder = right.holder if all(right.holder) else (right.id,)
            free.setdefault(right.pce, {}).setdefault(holder, []).append(right)
    new: set[str] = set()
    for of_holders in free.values():
        for own in of_holders.values():
            newest = own[-1]
            account = _former(own, client, known, rights)
            name = account or pattern.format(right=newest.id, short=newest.id[:8])
            reason = _why_not(own, name, client, known, holders=len(of_holders))
            if not reason and not account and (name in known.accounts or name in new):
                reason = ID_TAKEN
            new.add(name)
            yield Adoption(name, tuple(own), client, reason)


def _former(own: list[AccessRight], client: str, known: Known, listed: Mapping[str, AccessRight]) -> str:
    """Return the account that was lost with rights, or has lost its own and is of the same holder; else ``""``.

    :param listed: the client's list, by GRDF's id of the right: it names the holders of former rights, too
    """
    if lost := next(filter(None, map(known.owner, own)), ""):
        return lost
    meter, newest = known.meter(own[0].pce), own[-1]
    for account in dict.fromkeys(each.account for each in reversed(meter.rights)):
        document, former = known.accounts.get(account), meter.of(account)
        if document is None or leaving(document) or client_if_known(document) != client:
            continue
        holders = (listed[each.id].holder for each in former if each.id in listed)
        is_same = any(newest.is_held_by(*holder[:2]) for holder in holders if any(holder[:2]))
        if is_same and not any(each.goes_on(known.today) for each in former):
            return account
    return ""


def _brings(document: Mapping[str, Any]) -> bool:
    try:
        return Account.from_document(document).needs_grant
    except BadAccount:
        return False


def _why_not(own: list[AccessRight], account: str, client: str, known: Known, *, holders: int) -> str:
    """Return why rights cannot be adopted, whatever the ledger says; ``""`` if they can.

    :param holders: of how many holders there are free rights to the meter
    """
    if any(right.id in known.gone for right in own):
        return LEFT
    if known.asking.get(own[0].pce, account) != account:
        return ASKED
    if client in known.bringing and own[-1].created_at > utc_text(known.now - timedelta(hours=1)):
        return BRINGING
    return DIFFER if holders > 1 and not known.several else ""
