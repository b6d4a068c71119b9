"""The truth on a page: *what each household allows, and what GRDF last said about it, is what is stored; nothing of
anybody else; every missing day is told.*

* A gas day of a meter is **one account's**: that whose right covers it, by what GRDF has shown of the rights. Whoever
  came first has the days up to the end of its right; who comes next has those from then on, and is behind till then.
  So it is if the first one leaves and nothing of it is kept.
* GRDF has **said** what was in its answers that reached a running task of that account.
* Facts about the contract and the meter are allowed by their own perimeters, as far as GRDF has shown them.

Always, after each step:

1. a stored day is the account's, as far as GRDF has shown it, and holds what GRDF said about it; it only disappears by
   a deletion or because it is not the account's; so does a stored period; a noted fact was said while the household
   allowed it;
2. an account has only rights that its own household gave, and forgets none of its meters;
3. only rights of a household that leaves are revoked;
4. no meter number, code, token or secret leaves a task through its XCom;
5. a household that has left has nothing stored.

Once all trouble has ended and enough mornings have passed:

6. each day that is the account's and that GRDF has is stored, as GRDF last said it, and no day of anybody else;
7. each missing day is counted as missing, and the page does not say that all is well if there is one;
8. month and year totals are the sums;
9. an account that has a meter says nothing of those whose rights are over; one without any says so.

This module is independent of the code that it checks: they share no functions except those for the names of documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.model.witnessed import ACCOUNTS, DATA, DAYS, Right, Witnessed, covers, in_force, paris_day


class Untrue(AssertionError):
    """The truth does not hold."""


@dataclass
class Book(Witnessed):
    """Everything known about a life, and what must hold of it."""

    def check(self) -> None:
        """Raise an error if anything was found to be untrue.

        :raises Untrue: if anything was
        """
        if self.left:
            late = {key.partition(":")[0] for database, key in self.documents if database in DATA} & self.left
            self.faults += [f"5: something is stored for {account}, which has left" for account in sorted(late)]
        if self.faults:
            raise Untrue("; ".join(self.faults))

    def must_be_read(self, account: str) -> dict[str, list[Right]]:
        """Return an account's own rights that are in force, by meter."""
        today = paris_day(self.now())
        rights = {right["id_droit_acces"]: right for right in self.rights() if in_force(right, today)}
        brought = self.brought.get(account, {})
        return {pce: mine for pce, ids in brought.items() if (mine := [rights[each] for each in ids if each in rights])}

    def settled(
        self,
        account: str,
        until: date,
        has: Callable[[str, date, date], Mapping[date, float]],
        *,
        well: bool,
        told: int,
    ) -> None:
        """Check an account after all trouble has ended.

        :param until: the last gas day that must have been read
        :param has: returns the days that GRDF has now for a meter, a first day and an end
        :param well: whether the page says that all is well
        :param told: how many missing days the page tells
        """
        document = self.documents.get((ACCOUNTS, account))
        if document is None or document.get("leaving"):
            return
        self.rank()
        now = self.now()
        oldest = paris_day(now).replace(day=1)
        oldest = oldest.replace(year=oldest.year - 3) + timedelta(days=40)
        for pce, mine in self.must_be_read(account).items():
            stored, missing = self._stored(account, pce), set[date]()
            for right in mine:
                first = max(date.fromisoformat(right["perim_donnees_conso_debut"]), oldest)
                end = min(date.fromisoformat(right["perim_donnees_conso_fin"]), until + timedelta(days=1))
                if first >= end:
                    continue
                there = has(pce, first, end)
                days = [first + timedelta(days=n) for n in range((end - first).days)]
                days = [day for day in days if self.holder(pce, day) == account]
                gone = [day for day in days if day in there and day not in stored]
                if gone:
                    self.faults.append(
                        f"6: {account} lacks {len(gone)} of {len(there)} days of meter {self._name(pce)} that it "
                        f"allows and GRDF has, {gone[0]} to {gone[-1]}"
                    )
                missing |= {day for day in days if day not in stored}
            told -= len(missing)
            if missing and well:
                self.faults.append(f"7: the page calls {account} well, and {len(missing)} day(s) are missing")
            self._totals(account, pce)
        if told < 0:
            self.faults.append(f"7: the page tells {-told} missing day(s) too few of {account}")
        for pce in {
            key.split(":")[1] for where, key in self.documents if where == DAYS and key.startswith(f"{account}:")
        }:
            self._values(account, pce)
            self._own(account, pce)
        self._says_lost(account, document)

    def _values(self, account: str, pce: str) -> None:
        for day, load in self._stored(account, pce).items():
            said = [each for each in self.said.get((account, pce, day), []) if each.allowed and each.energy is not None]
            done = [number for number, each in enumerate(said) if each.run in self.kept]
            if done and load not in [each.energy for each in said[done[-1] :]]:
                self.faults.append(
                    f"6: {account} stores {load} for {day} of meter {self._name(pce)}, GRDF last said "
                    f"{said[done[-1]].energy}"
                )

    def _own(self, account: str, pce: str) -> None:
        days = sorted(self._stored(account, pce))
        first = next((day for day in days if self.holder(pce, day) == account), date.max)
        others = [day for day in days if day > first and self.holder(pce, day) != account]
        if others:
            self.faults.append(
                f"6: {account} keeps {len(others)} days of meter {self._name(pce)} that are not its own, {others[0]} on"
            )

    def _totals(self, account: str, pce: str) -> None:
        stored = self._stored(account, pce)
        sums: dict[str, dict[str, list[float]]] = {DATA[1]: defaultdict(list), DATA[2]: defaultdict(list)}
        for day, load in stored.items():
            sums[DATA[1]][f"{account}:{pce}:{day:%Y-%m}"].append(load)
            sums[DATA[2]][f"{account}:{pce}:{day:%Y}"].append(load)
        for database, loads in sums.items():
            mine = f"{account}:{pce}:"
            told = {
                key: (document["load"], document["days"])
                for (where, key), document in self.documents.items()
                if where == database and key.startswith(mine)
            }
            if told != {key: (sum(each), len(each)) for key, each in loads.items()}:
                self.faults.append(f"8: totals in {database} of {account}, meter {self._name(pce)}, are no sums")
        status = (self.documents.get((ACCOUNTS, account)) or {}).get("status") or {}
        book = ((status.get("readings") or {}).get(pce) or {}).get("years") or {}
        if {day for entry in book.values() for day in _days_of(entry)} != set(stored):
            self.faults.append(f"8: {account} says it stores {book} of meter {self._name(pce)}, it is {len(stored)}")

    def _says_lost(self, account: str, document: Mapping[str, Any]) -> None:
        today, state = paris_day(self.now()), document.get("state")
        read = {
            pce
            for pce, mine in self.must_be_read(account).items()
            if self.holder(pce, today) == account and any(covers(right, today) for right in mine)
        }
        stand = {
            pce
            for pce, ids in self.brought.get(account, {}).items()
            if any(each["id_droit_acces"] in ids and each["etat_droit_acces"] == "Active" for each in self.rights())
        }
        if self.brought.get(account) and not read and not state:
            self.faults.append(f"9: {account} does not say that none of its meters is read")
        if read and state and stand <= read:
            self.faults.append(f"9: {account} is called {state}, although all that it needs is in force")

    def _stored(self, account: str, pce: str) -> dict[date, float]:
        start = f"{account}:{pce}:"
        return {
            date.fromisoformat(key[len(start) :]): document["load"]
            for (database, key), document in self.documents.items()
            if database == DAYS and key.startswith(start)
        }


def _days_of(entry: Mapping[str, Any]) -> set[date]:
    """Return the days that an account says are stored of a year."""
    absent = {day for hole in entry.get("absent", ()) for day in _span(hole["first"], hole["end"])}
    return {*_span(entry["first"], entry["last"]), date.fromisoformat(entry["last"])} - absent


def _span(first: str, end: str) -> Iterator[date]:
    days = range(date.fromisoformat(first).toordinal(), date.fromisoformat(end).toordinal())
    return map(date.fromordinal, days)
