"""Which account has which meter and which right, over all accounts at once: one look instead of a search per meter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.own_meters import meters_in
from include.gas.account.sections.client import DEFAULT, client_if_known
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.rights.declaration import Declaration, is_refused, names_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import WAITING, AccessRight
from include.gas.consents.consent import Consent
from include.gas.errors import BadAccount
from include.gas.importing.import_records import BY
from include.gas.rights.declared_right import was_made_by


@dataclass(frozen=True, slots=True)
class Holding:
    """What one account has.

    :param is_ours: whether the document is an account of ours
    :param is_readable: whether its meters can be understood
    :param is_leaving: whether its household is leaving
    :param meters: numbers of its meters; the value says whether one of its rights is in force or waits for its holder
    :param rights: GRDF's ids of all rights that it brought
    :param declares: the meter of a declaration that GRDF has not taken yet; ``""`` if there is none
    :param is_pending: whether that declaration is to be sent and no import has made it
    :param declared: when GRDF took the last declaration, UTC text; ``""`` if it took none
    :param sent: declarations that were sent and whose right GRDF's list has not shown yet
    :param client: the connection of the client that it belongs to; ``""`` if its document is odd
    """

    id: str
    is_ours: bool = True
    is_readable: bool = True
    is_leaving: bool = False
    meters: Mapping[str, bool] = field(default_factory=dict, repr=False)
    rights: frozenset[str] = frozenset()
    declares: str = field(default="", repr=False)
    is_pending: bool = False
    declared: str = ""
    sent: tuple[SentDeclarations, ...] = field(default=(), repr=False)
    client: str = DEFAULT

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Holding:
        """Return what the account of a document has."""
        name = str(document.get("_id"))
        if document.get("account_type") != ACCOUNT_TYPE:
            return cls(name, is_ours=False)
        gone = leaving(document) is not None
        section = members(document.get(Declaration.key))
        asked = section.get("pce") if names_person(document) else ""
        declares = "".join(asked.split()) if isinstance(asked, str) else ""
        sent, client = SentDeclarations.of(document), client_if_known(document)
        try:
            meters = meters_in(document, name)
        except BadAccount:
            return cls(name, is_readable=False, is_leaving=gone, declares=declares, sent=sent, client=client)
        own = frozenset(right for meter in meters for right in meter.own)
        return cls(
            name,
            is_leaving=gone,
            meters={meter.pce: _holds(meter) for meter in meters},
            rights=own,
            declares=declares,
            is_pending=bool(declares) and not is_refused(document) and not _is_imported(document),
            declared=str(section.get("declared") or ""),
            sent=sent,
            client=client,
        )

    def holds(self, pce: str) -> bool:
        """Return whether the account has a meter under a right in force or waiting, or is about to be given it."""
        return self.meters.get(pce, False) or self.declares == pce


class Holdings:
    """What all accounts have.

    :param documents: the documents in the database of accounts
    """

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._accounts: dict[str, Holding] = {}
        self._expected: dict[str, str] = {}
        self._meters: dict[str, list[Holding]] = {}
        self._rights: dict[str, str] = {}
        for document in documents:
            if not str(document.get("_id")).startswith("_"):
                self.add(Holding.of(document))

    def add(self, found: Holding) -> None:
        """Add what an account has that was just created."""
        self._accounts[found.id] = found
        for pce in {*found.meters, found.declares, *(each.pce for each in found.sent)} - {""}:
            self._meters.setdefault(pce, []).append(found)
        self._rights |= dict.fromkeys(found.rights, found.id)

    def expect(self, rights: Iterable[str], account: str) -> None:
        """Note that an account is about to be given rights, which its household has consented to on GRDF's site.

        :param rights: GRDF's ids of them
        """
        self._expected |= dict.fromkeys(rights, account)

    def of(self, account: str) -> Holding | None:
        """Return what an account has; ``None`` if there is no document of that id."""
        return self._accounts.get(account)

    def meters_of_clients(self) -> Counter[str]:
        """Return how many meters the accounts of each client have. An account that has none yet counts as one."""
        found: Counter[str] = Counter()
        for account in self._accounts.values():
            if account.is_ours:
                found[account.client] += max(len(account.meters), 1)
        return found

    def naming(self, pce: str) -> list[Holding]:
        """Return the accounts that name a meter, whether or not their right to it is in force."""
        return self._meters.get(pce, [])

    def holder(self, pce: str, but: str = "") -> str:
        """Return the account that has a meter under a right in force or waiting; ``""`` if there is none.

        :param but: the account to leave out
        """
        others = (each for each in self.naming(pce) if each.id != but and not each.is_leaving and each.holds(pce))
        return next((each.id for each in others), "")

    def owner(self, right: str) -> str:
        """Return the account that has brought a right, also one that is leaving; ``""`` if there is none."""
        return self._rights.get(right, "")

    def claims(self, right: AccessRight, client: str = DEFAULT) -> str:
        """Return the account that has a right or is about to have it, also one that is leaving; ``""`` if none.

        :param client: the connection of the client that has the right
        """
        same = (each for each in self.naming(right.pce) if each.client == client)
        senders = (each.id for each in same if any(was_made_by(right, sent) for sent in each.sent))
        return self.owner(right.id) or self._expected.get(right.id, "") or next(senders, "")


def _is_imported(document: Mapping[str, Any]) -> bool:
    return str(members(document.get(Connected.key)).get("by") or "").startswith(BY)


def _holds(meter: Consent) -> bool:
    return not meter.lost or any(right.unusable == WAITING for right in meter.rights)
