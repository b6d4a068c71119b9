"""Rights at GRDF that no account has: which account gets them, and why others get none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from string import Formatter
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, BadRequest
from include.gas.importing.holdings import Holdings

PLACES = {"right": "r" * 64, "short": "r" * 8}
"""What a pattern may name: GRDF's id of the right, and its first eight characters. Each with a long example."""
DEFAULT_PATTERN = "right-{right}"
JUST_MADE = timedelta(hours=1)
"""How long after its right was made a household may still be on its way back from GRDF's site."""

DIFFER = (
    "several rights to its meter are in force, and not all are known to be of the same holder and of the same client "
    "of ours. Ask GRDF or the holders whose right is to stay, and have the others revoked"
)
TAKEN = (
    "another account has its meter. If it is the same household, start grdf_consents with that account; if that "
    "household has moved out, delete that account first"
)
JUST_DECLARED = (
    "an account has just declared it or is being connected with it, and is about to be given it. If that account does "
    "not get it within a day, start its DAG"
)
LEFT = "its household has left. If GRDF's list still shows it tomorrow, ask GRDF to revoke it"
ID_TAKEN = "there is an account with the id that the pattern gives it. Choose another pattern"


@dataclass(frozen=True, slots=True)
class Adoption:
    """An account that gets the rights of one holder to one meter.

    :param account: its id
    :param rights: the rights, oldest first
    :param client: the connection of the client that has them
    :param is_new: whether the account is to be made
    """

    account: str
    rights: tuple[AccessRight, ...] = field(repr=False)
    client: str
    is_new: bool = True

    @property
    def pce(self) -> str:
        """The meter."""
        return self.rights[0].pce

    @property
    def names(self) -> str:
        """GRDF's ids of the rights, for messages."""
        return ", ".join(right.id for right in self.rights)


@dataclass(slots=True)
class AdoptionPlan:
    """What to do with GRDF's lists.

    :param adopted: accounts that get rights
    :param left: those that cannot, each with the reason and what to do
    :param owned: number of usable rights that accounts have already
    :param unusable: number of rights that are not in force, or not for daily data of gas use
    """

    adopted: list[Adoption] = field(default_factory=list)
    left: list[tuple[Adoption, str]] = field(default_factory=list)
    owned: int = 0
    unusable: int = 0


def check_pattern(pattern: object) -> str:
    """Return the pattern of account ids, checked.

    :raises BadRequest: if it names no part of the right's id, or something else, or makes ids that accounts cannot have
    """
    try:
        named = [part[1:] for part in Formatter().parse(str(pattern)) if part[1] is not None]
        if named and all(name in PLACES and not (spec or conversion) for name, spec, conversion in named):
            check_account_id(str(pattern).format(**PLACES))
            return str(pattern)
    except ValueError:
        pass
    raise BadRequest.about(
        None,
        "id_pattern is not a pattern of account ids",
        "Nothing was done. Use letters, digits, '_' and '-' with {right} (GRDF's id of the right) or {short} (its "
        f"first 8 characters), such as {DEFAULT_PATTERN}.",
    )


class Adopting:
    """Says which account gets which right.

    :param holdings: all accounts and meters
    :param gone: GRDF's ids of rights that deletions have revoked; its list may show them for some time
    :param now: the present, aware
    """

    def __init__(self, holdings: Holdings, gone: Collection[str], now: datetime) -> None:
        self._holdings = holdings
        self._documents = holdings.documents
        self._gone = gone
        self._today, self._just = paris_today(now), utc_text(now - JUST_MADE)
        self._connects = any(_connects(each) for each in self._documents.values())

    def plan(
        self,
        listed: Mapping[str, Iterable[AccessRight]],
        pattern: str,
        knows: Callable[[str, AccessRight], bool],
        *,
        several: bool = False,
    ) -> AdoptionPlan:
        """Return what to do with the rights in GRDF's lists.

        :param listed: the lists by the connection of their client
        :param pattern: see :func:`check_pattern`
        :param knows: whether an account is known to be that of the holder of a right
        :param several: whether a meter may be in several accounts
        """
        plan = AdoptionPlan()
        free: dict[str, dict[tuple[str, ...], list[AccessRight]]] = {}
        for client, rights in listed.items():
            for right in {right.id: right for right in rights}.values():
                if not is_usable(right, self._today):
                    plan.unusable += 1
                elif self._owner(right) in self._documents:
                    plan.owned += 1
                else:
                    holder = right.holder if all(right.holder) else (right.id,)
                    free.setdefault(right.pce, {}).setdefault((client, *holder), []).append(right)
        holders = {right.id: right.holder for rights in listed.values() for right in rights if any(right.holder[:2])}

        def is_same(own: str, right: AccessRight) -> bool:
            return own in holders and right.is_held_by(*holders[own][:2])

        for groups in free.values():
            for (client, *_), rights in groups.items():
                account = self._account(rights, client, is_same, knows)
                found = _adoption(rights, client, account or pattern, is_new=account not in self._documents)
                if reason := self.why_not_one(found, 1 if several else len(groups), several=several):
                    plan.left.append((found, reason))
                else:
                    plan.adopted.append(found)
        return plan

    def why_not_one(self, each: Adoption, holders: int = 1, *, several: bool = False) -> str:
        """Return why an account is not to be given rights; ``""`` if it may be.

        :param holders: of how many holders there are free rights to the meter
        :param several: whether a meter may be in several accounts
        """
        asking = {right.account for right in self._holdings.meter(each.pce).rights if right.state == "asked"}
        if any(right.id in self._gone for right in each.rights):
            return LEFT
        if (asking - {each.account}) & self._documents.keys() or (
            self._connects and any(right.created_at > self._just for right in each.rights)
        ):
            return JUST_DECLARED
        if holders > 1:
            return DIFFER
        if not several and self._holdings.holder(each.pce, self._today, but=each.account):
            return TAKEN
        return ID_TAKEN if each.is_new and each.account in self._documents else ""

    def _owner(self, right: AccessRight) -> str:
        return next((each.account for each in self._holdings.meter(right.pce).rights if each.id == right.id), "")

    def _account(
        self,
        rights: list[AccessRight],
        client: str,
        is_same: Callable[[str, AccessRight], bool],
        knows: Callable[[str, AccessRight], bool],
    ) -> str:
        """Return the account that was lost with rights, or has lost its own and is of the same holder; else ``""``.

        :param is_same: whether GRDF names the same holder for a right of ours, by its id
        """
        if lost := next(filter(None, map(self._owner, rights)), ""):
            return lost
        meter, newest = self._holdings.meter(rights[0].pce), rights[-1]
        for account in dict.fromkeys(each.account for each in reversed(meter.rights)):
            document, own = self._documents.get(account), meter.of(account)
            if document is None or leaving(document) or client_if_known(document) != client:
                continue
            has_none = not any(each.goes_on(self._today) for each in own)
            if has_none and (any(is_same(each.id, newest) for each in own) or knows(account, newest)):
                return account
        return ""


def _adoption(rights: Iterable[AccessRight], client: str, pattern: str, *, is_new: bool = True) -> Adoption:
    ordered = sorted(rights, key=lambda right: (right.created_at, right.created or date.min))
    newest = ordered[-1].id
    return Adoption(pattern.format(right=newest, short=newest[:8]), tuple(ordered), client, is_new)


def _connects(document: Mapping[str, Any]) -> bool:
    """Return whether a household has come back from GRDF's site, and its rights are not known yet."""
    try:
        return Account.from_document(document).needs_grant
    except BadAccount:
        return False
