"""Assigns unclaimed rights to accounts. The ledger decides whether these may have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from include.gas.account.account import Account
from include.gas.account.client import client_or_empty
from include.gas.account.declaration import Declaration, has_personal_data
from include.gas.account.marks import leaving_asker
from include.gas.account.status import named_meters
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.day_documents import check_account_id
from include.gas.errors import BadAccount, BadRequest
from include.gas.rights.meter_rights import Meter

DEFAULT_PATTERN = "right-{right}"

DIFFER = (
    "several rights to its meter are in force, and not all are known to be of the same holder. Ask GRDF or the holders "
    "whose right is to stay, and have the others revoked"
)
TAKEN = (
    "another account has its meter. If it is the same household, start grdf_consents with that account; if that "
    "household has moved out, delete that account first"
)
ID_TAKEN = "another account has the id that the pattern gives it. Choose another pattern"
PENDING = (
    "an account asks for its meter, or is about to bring what its household has given within the last hour: then start "
    "this again in an hour. If it is the same household, start grdf_consents with that account"
)


@dataclass(frozen=True)
class KnownState:
    """What we have: documents by id, meters by number, and ids of ``gone`` rights, which GRDF may still list.

    :param left: the accounts that were deleted
    """

    accounts: dict[str, Mapping[str, Any]]
    meters: Mapping[str, Meter]
    gone: Collection[str]
    now: datetime
    several: bool = False
    left: Collection[str] = ()

    @cached_property
    def declaring_accounts(self) -> dict[str, str]:
        """The accounts with a pending declaration, by meter."""
        given = (
            (name, Declaration.from_document(each)) for name, each in self.accounts.items() if has_personal_data(each)
        )
        return {asked.pce: name for name, asked in given if asked}

    @cached_property
    def has_returned_household(self) -> bool:
        """Whether a household is back from GRDF's site and its account has not used the grant."""
        for each in self.accounts.values():
            with suppress(BadAccount):
                if Account.from_document(each).needs_grant:
                    return True
        return False

    @cached_property
    def owners(self) -> dict[str, str]:
        """The accounts of rights, by GRDF's id, from ledger and documents: the ledger may be lost."""
        found = dict[str, str]()
        for name, each in self.accounts.items():
            with suppress(BadAccount):
                found |= dict.fromkeys((right for _, right in named_meters(each, name)), name)
        rights = (right for meter in self.meters.values() for right in meter.rights)
        return found | {right.id: right.account for right in rights if right.account}

    def former_account(self, right: AccessRight, client: str, listed: Mapping[str, AccessRight]) -> str:
        """Return the client's account that had a right of the same holder to the meter, or ``""``."""
        for each in reversed(self.meters[right.pce].rights if right.pce in self.meters else ()):
            line, document = listed.get(each.id), self.accounts.get(each.account)
            is_same = line is not None and any(line.holder[:2]) and right.is_held_by(*line.holder[:2])
            if is_same and document and leaving_asker(document) is None and client_or_empty(document) == client:
                return each.account
        return ""

    def may_get_right(self, right: AccessRight, account: str) -> bool:
        """Return whether an account may be about to get the right by itself."""
        young = self.has_returned_household and right.created_at > utc_text(self.now - timedelta(hours=1))
        return young or self.declaring_accounts.get(right.pce, account) != account


def ids_of(rights: Iterable[AccessRight]) -> str:
    """Return GRDF's ids of rights, for messages."""
    return ", ".join(right.id for right in rights)


def check_pattern(pattern: object) -> str:
    """Return the pattern of account ids; ``BadRequest`` without a part of the right's id, or for impossible ids."""
    text = str(pattern)
    with suppress(ValueError):
        if (long := _filled(text, "r" * 64)) != text and check_account_id(long):
            return text
    raise BadRequest.about(
        None,
        "id_pattern is not a pattern of account ids",
        "Nothing was done. Use letters, digits, '_' and '-' with {right} (GRDF's id of the right) or {short} (its "
        f"first 8 characters), such as {DEFAULT_PATTERN}.",
    )


def plan_adoptions(
    listed: Iterable[AccessRight], client: str, known: KnownState, pattern: str
) -> Iterator[tuple[str, list[AccessRight], str]]:
    """Yield account id, one holder's rights to a meter, and why not (``""`` if it may), for a client's list.

    The account is the one lost with a right, one with a former right of the same holder, or else a new one.
    """
    rights, taken = {right.id: right for right in listed}, {*known.accounts}
    for of_holders in _free_rights(rights.values(), known).values():
        for own in of_holders.values():
            newest, lost = own[-1], next((known.owners[right.id] for right in own if right.id in known.owners), "")
            its = lost or known.former_account(newest, client, rights)
            account = its or _filled(pattern, newest.id)
            if not its and account in taken:
                reason = ID_TAKEN
            elif len(of_holders) > 1 and not known.several:
                reason = DIFFER
            else:
                reason = PENDING if known.may_get_right(newest, account) else ""
            taken.add(account)
            yield account, own, reason


def _free_rights(
    rights: Iterable[AccessRight], known: KnownState
) -> dict[str, dict[tuple[str, ...], list[AccessRight]]]:
    free: dict[str, dict[tuple[str, ...], list[AccessRight]]] = {}
    today = paris_today(known.now)
    for right in sorted(rights, key=lambda each: (each.created_at, each.created or date.min)):
        if right.role and right.role.is_own:
            continue  # include/gas/importing/buildings.py
        if is_usable(right, today) and right.id not in known.gone and known.owners.get(right.id) not in known.accounts:
            holder = right.holder if all(right.holder) else (right.id,)
            free.setdefault(right.pce, {}).setdefault(holder, []).append(right)
    return free


def _filled(pattern: str, right: str) -> str:
    return pattern.replace("{right}", right).replace("{short}", right[:8])
