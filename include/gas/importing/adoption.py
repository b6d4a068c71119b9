"""Rights at GRDF that have no account yet: which of them get one, under which id, and why others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from string import Formatter

from include.gas.account.sections.client import DEFAULT
from include.gas.answers.access_rights import AccessRight, is_usable
from include.gas.consents.consent import Consent
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadRequest
from include.gas.importing.holdings import Holdings

PLACES = ("right", "short")
"""What a pattern may name: GRDF's id of the right, and its first eight characters."""
DEFAULT_PATTERN = "right-{right}"

HOLDERS_DIFFER = (
    "several rights to its meter are in force, and not all are known to be of the same holder. Ask GRDF or the holders "
    "whose right is to stay, and have the others revoked"
)
CLIENTS_DIFFER = (
    "several of our clients at GRDF have a right to its meter. Ask GRDF to revoke those of all clients but one"
)
TAKEN = (
    "another account has its meter. If it is the same household, start grdf_consents with that account; if that "
    "household has moved out, delete that account first"
)
JUST_DECLARED = (
    "an account has just declared it or is being connected with it, and is about to be given it. If that account does "
    "not get it within a day, start its DAG"
)
LEFT = (
    "its household has left or is leaving, and it is revoked with that. If GRDF's list still shows it tomorrow, ask "
    "GRDF to revoke it"
)
BAD_ID = "the pattern gives it no valid account id"
ID_TWICE = "the pattern gives several meters the same account id. Choose a pattern with {right}"
ID_TAKEN = "there is an account with the id that the pattern gives it. Choose another pattern"


@dataclass(frozen=True, slots=True)
class Adoption:
    """An account to be made for the rights of one holder to one meter.

    :param account: its id
    :param rights: the rights, oldest first
    :param connection: the client that has them
    """

    account: str
    rights: tuple[AccessRight, ...] = field(repr=False)
    connection: str = DEFAULT

    @property
    def pce(self) -> str:
        """The meter."""
        return self.rights[0].pce

    @property
    def consents(self) -> tuple[Consent, ...]:
        """The consents with their dates, oldest first."""
        return tuple(Consent.of_right(right) for right in self.rights)

    @property
    def names(self) -> str:
        """GRDF's ids of the rights, for messages."""
        return ", ".join(right.id for right in self.rights)


@dataclass(frozen=True, slots=True)
class AdoptionPlan:
    """What to do with GRDF's list.

    :param adopted: accounts to make
    :param left: adoptions that cannot be made, each with the reason and what to do
    :param owned: number of usable rights that accounts have already
    :param unusable: number of rights that are not in force, or not for daily data of gas use
    """

    adopted: tuple[Adoption, ...] = ()
    left: tuple[tuple[Adoption, str], ...] = ()
    owned: int = 0
    unusable: int = 0


def check_pattern(pattern: object) -> str:
    """Return the pattern of account ids, checked.

    :raises BadRequest: if it names no part of the right's id, or something else
    """
    try:
        parts = list(Formatter().parse(pattern)) if isinstance(pattern, str) and len(pattern) <= 128 else []
    except ValueError:
        parts = []
    named = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
    if not named or any(name not in PLACES or spec or conversion for name, spec, conversion in named):
        raise BadRequest.about(
            None,
            "id_pattern is not a pattern of account ids",
            f"Nothing was done. Use letters, digits, '_' and '-' with {{right}} (GRDF's id of the right) or {{short}} "
            f"(its first 8 characters), such as {DEFAULT_PATTERN}.",
        )
    return str(pattern)


def plan_adoption(
    rights: Iterable[AccessRight],
    holdings: Holdings,
    pattern: str,
    today: date,
    *,
    gone: Collection[str] = (),
    several: bool = False,
    clients: Mapping[str, str] | None = None,
) -> AdoptionPlan:
    """Return what to do with the rights in GRDF's lists.

    :param pattern: see :func:`check_pattern`
    :param gone: GRDF's ids of rights of households that have left, see
        :func:`include.gas.leaving.late_rights.left_rights`
    :param several: whether a meter may be in several accounts
    :param clients: the connection of the client in whose list a right is, by GRDF's id of it, if not the usual one
    """
    whose = clients or {}
    once = {right.id: right for right in rights}.values()
    usable = [right for right in once if is_usable(right, today)]
    by_meter: dict[str, list[AccessRight]] = {}
    found: list[Adoption] = []
    left: list[tuple[Adoption, str]] = []
    owned = 0
    for right in usable:
        if reason := not_free(right, holdings, gone, whose.get(right.id, DEFAULT)):
            left.append((_adoption([right], pattern, whose), reason))
        elif holdings.owner(right.id):
            owned += 1
        else:
            by_meter.setdefault(right.pce, []).append(right)
    for listed in by_meter.values():
        groups = [_adoption(group, pattern, whose) for group in _by_holder(listed, whose)]
        if reason := "" if several else _not_one(groups, holdings):
            left += [(each, reason) for each in groups]
        else:
            found += groups
    adopted, others = _with_ids(found, holdings)
    return AdoptionPlan(adopted, (*left, *others), owned, len(once) - len(usable))


def _with_ids(
    found: Sequence[Adoption], holdings: Holdings
) -> tuple[tuple[Adoption, ...], tuple[tuple[Adoption, str], ...]]:
    """Return the adoptions whose account's id may be used, and the others with the reason."""
    ids = Counter(each.account for each in found)
    problems = [(each, _id_problem(each.account, ids, holdings)) for each in found]
    return tuple(each for each, why in problems if not why), tuple((each, why) for each, why in problems if why)


def not_free(right: AccessRight, holdings: Holdings, gone: Collection[str], client: str = DEFAULT) -> str:
    """Return why nobody may be given a right; ``""`` if an account simply has it, or it is free.

    :param gone: GRDF's ids of rights of households that have left
    :param client: the connection of the client that has the right
    """
    account = holdings.of(holdings.claims(right, client))
    if account is not None and not account.is_leaving:
        return "" if holdings.owner(right.id) else JUST_DECLARED
    return LEFT if account is not None or right.id in gone else ""


def _not_one(groups: Sequence[Adoption], holdings: Holdings) -> str:
    """Return why a meter cannot get an account; ``""`` if it can."""
    if len({each.connection for each in groups}) > 1:
        return CLIENTS_DIFFER
    if len(groups) > 1:
        return HOLDERS_DIFFER
    return TAKEN if holdings.holder(groups[0].pce) else ""


def _by_holder(rights: Iterable[AccessRight], clients: Mapping[str, str]) -> list[list[AccessRight]]:
    """Return rights to one meter in groups of the same holder and client. A right that names no holder is alone."""
    groups: dict[tuple[str, str], list[AccessRight]] = {}
    for right in rights:
        holder = "\n".join(right.holder) if all(right.holder) else right.id
        groups.setdefault((holder, clients.get(right.id, DEFAULT)), []).append(right)
    return list(groups.values())


def _adoption(rights: Iterable[AccessRight], pattern: str, clients: Mapping[str, str]) -> Adoption:
    ordered = sorted(rights, key=lambda right: (right.created_at, right.created or date.min))
    newest = ordered[-1].id
    account = pattern.format(right=newest, short=newest[:8])
    return Adoption(account, tuple(ordered), clients.get(newest, DEFAULT))


def _id_problem(account: str, ids: Counter[str], holdings: Holdings) -> str:
    try:
        check_account_id(account)
    except ValueError:
        return BAD_ID
    if ids[account] > 1:
        return ID_TWICE
    return ID_TAKEN if holdings.of(account) is not None else ""
