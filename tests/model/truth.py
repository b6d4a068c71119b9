"""The truth on a page: *what each household allows, and what GRDF last said about it, is what is stored; nothing of
anybody else; every missing day is shown.*

* A gas day of a meter is **one account's**: that with a right that covers it, by what GRDF has shown of the rights.
  The first one has the days up to the end of its right; the next one has those from then on, and is behind till then.
  So it is if the first one leaves and nothing of it is kept, also for who comes long after it.
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
9. an account that has a meter does not mention those with rights that are over; one without any mentions that.

It shares no functions with the code that it checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from tests.model.witnessed import DATA, Right, Witnessed, in_force
from tests.promises.adapter import DAYS


class Untrue(AssertionError):
    """The truth does not hold."""


class Truth(Witnessed):
    def check_truth(self) -> None:
        if self.left:
            late = {key.partition(":")[0] for database in DATA for key in self.documents(database)} & self.left
            self.untrue += [f"5: something is stored for {account}, which has left" for account in sorted(late)]
        for each in self.calls("/droit_acces/", "PATCH"):
            if (owner := self.owner.get(each.path.rpartition("/")[2])) != each.job.account:
                self.untrue.append(f"3: the deletion of {each.job.account} revokes a right that {owner} gave")
        if self.untrue:
            raise Untrue("; ".join(self.untrue))

    def must_be_read(self, account: str) -> dict[str, list[Right]]:
        rights = {right["id_droit_acces"]: right for right in self.rights() if in_force(right, self.today)}
        brought = self.brought.get(account, {})
        return {pce: mine for pce, ids in brought.items() if (mine := [rights[each] for each in ids if each in rights])}

    def check_settled(self, account: str, until: date, *, well: bool, shown: int) -> None:
        """``until``: the last gas day that must have been read; ``well`` and ``shown``: what the page shows."""
        document = self.account(account)
        if not document or document.get("leaving"):
            return
        self.rank()
        oldest = self.today.replace(day=1)
        oldest = oldest.replace(year=oldest.year - 3) + timedelta(days=40)
        for pce, mine in self.must_be_read(account).items():
            stored, missing = self.days(account, pce), set[date]()
            for right in mine:
                first = max(date.fromisoformat(right["perim_donnees_conso_debut"]), oldest)
                end = min(date.fromisoformat(right["perim_donnees_conso_fin"]), until + timedelta(days=1))
                days = [day for day in _days(first, end) if self.holder(pce, day) == account and day not in stored]
                missing |= set(days)
                if days and (gone := sorted(set(days) & self.grdf_days(pce, first, end).keys())):
                    self.untrue.append(
                        f"6: {account} lacks {len(gone)} days of meter …{pce[-3:]} that it allows and GRDF has, "
                        f"{gone[0]} to {gone[-1]}"
                    )
            shown -= len(missing)
            if missing and well:
                self.untrue.append(f"7: the page calls {account} well, and {len(missing)} day(s) are missing")
            status = ((document.get("status") or {}).get("readings") or {}).get(pce) or {}
            if {day for year in (status.get("years") or {}).values() for day in _days_of(year)} != set(stored):
                self.untrue.append(f"8: {account} counts {status} of …{pce[-3:]} as stored, it is {len(stored)}")
        if shown < 0:
            self.untrue.append(f"7: the page shows {-shown} missing day(s) too few of {account}")
        for pce in {key.split(":")[1] for key in self.documents(DAYS) if key.startswith(f"{account}:")}:
            self._check_days(account, pce)
        self._check_state(account)

    def _check_days(self, account: str, pce: str) -> None:
        stored = self.days(account, pce)
        for day, load in stored.items():
            said = [each for each in self.said.get((account, pce, day), []) if each.allowed and each.energy is not None]
            done = [number for number, each in enumerate(said) if each.run in self.kept]
            if done and load not in [each.energy for each in said[done[-1] :]]:
                last = said[done[-1]].energy
                self.untrue.append(f"6: {account} stores {load} for {day} of …{pce[-3:]}, GRDF last said {last}")
        first = min((day for day in stored if self.holder(pce, day) == account), default=date.max)
        if others := sorted(day for day in stored if day > first and self.holder(pce, day) != account):
            self.untrue.append(
                f"6: {account} keeps {len(others)} days of …{pce[-3:]} that are not its own, {others[0]} on"
            )

    def _check_state(self, account: str) -> None:
        today, state, brought = str(self.today), self.state(account), self.brought.get(account, {})
        read = {
            pce
            for pce, mine in self.must_be_read(account).items()
            if self.holder(pce, self.today) == account
            and any(right["perim_donnees_conso_debut"] <= today < right["perim_donnees_conso_fin"] for right in mine)
        }
        active = {right["id_droit_acces"] for right in self.rights(state="Active")}
        if brought and not read and not state:
            self.untrue.append(f"9: {account} does not say that none of its meters is read")
        if read and state and {pce for pce, ids in brought.items() if active & {*ids}} <= read:
            self.untrue.append(f"9: {account} is called {state}, although all that it needs is in force")


def _days_of(year: Mapping[str, Any]) -> set[date]:
    first, end = date.fromisoformat(year["first"]), date.fromisoformat(year["last"]) + timedelta(days=1)
    holes = [(date.fromisoformat(hole["first"]), date.fromisoformat(hole["end"])) for hole in year.get("absent", ())]
    return {*_days(first, end)} - {day for hole in holes for day in _days(*hole)}


def _days(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((end - first).days))
