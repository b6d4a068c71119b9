"""What accounts and the ledger say of the households of a file, over all accounts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.connected import is_asked
from include.gas.account.own_meters import named_in
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import Declaration, names_person
from include.gas.account.sections.section import members
from include.gas.documents.gas_days import Document
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Meter


class Holdings:
    """The accounts, and the rights to each meter.

    :param documents: all account documents
    :param meters: the documents of all meters
    :param left: accounts whose household has left
    """

    def __init__(self, documents: Iterable[Document], meters: Iterable[Meter], left: Collection[str] = ()) -> None:
        self.documents = {str(document["_id"]): document for document in documents}
        self._meters = {meter.pce: meter for meter in meters}
        self.left = left
        self._coming: dict[str, list[str]] = {}
        for account, document in self.documents.items():
            named = {pce for pce in known_meters(document, account) or () if not self.meter(pce).of(account)}
            for pce in {declared_meter(document), *named} - {""}:
                self._coming.setdefault(pce, []).append(account)

    def meter(self, pce: str) -> Meter:
        """Return the rights to a meter."""
        return self._meters.get(pce) or Meter(pce=pce)

    def declaring(self, asked: Declaration) -> str:
        """Return the account that is about to declare this very household; ``""`` if there is none."""
        names = self._coming.get(asked.pce, ())
        return next((each for each in names if is_asked(self.documents[each], asked)), "")

    def holder(self, pce: str, today: date, but: str = "") -> str:
        """Return the account that has a meter, or asks for a right to it or brings one; ``""`` if there is none.

        :param today: civil date in Paris
        :param but: the account to leave out
        """
        rights = (right for right in self.meter(pce).rights if right.state == "waiting" or right.goes_on(today))
        names = (*(right.account for right in rights), *self._coming.get(pce, ()))
        there = (each for each in names if each != but and each in self.documents)
        return next((each for each in there if leaving(self.documents[each]) is None), "")

    def meters_of_clients(self) -> Counter[str]:
        """Return how many meters the accounts of each client have. An account that has none yet counts as one."""
        found: Counter[str] = Counter()
        for account, document in self.documents.items():
            if document.get("account_type") == ACCOUNT_TYPE:
                found[client_if_known(document)] += max(len(known_meters(document, account) or ()), 1)
        return found


def declared_meter(document: Mapping[str, Any]) -> str:
    """Return the meter of a declaration that names a person; ``""`` if an account document has none."""
    asked = members(document.get(Declaration.key)).get("pce") if names_person(document) else ""
    return "".join(asked.split()) if isinstance(asked, str) else ""


def known_meters(document: Mapping[str, Any], account: str) -> list[str] | None:
    """Return the meters that an account document names; ``None`` if they cannot be understood."""
    try:
        return [pce for pce, _ in named_in(document, account)]
    except BadAccount:
        return None
