"""What passes between households, GRDF, the tasks and CouchDB in a life, and what can be seen at once to be untrue.

The truth that it is compared with is said in :mod:`tests.model.truth`. The numbers of the faults are those of its list.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tests.model.wire import Call

PARIS = ZoneInfo("Europe/Paris")
ACCOUNTS, DAYS, METERS = "io-cozy-accounts", "com-grandlyon-grdf-day", "com-grandlyon-grdf-meter"
DATA = (DAYS, "com-grandlyon-grdf-month", "com-grandlyon-grdf-year", "com-grandlyon-grdf-published")
Right = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What an answer said about a day.

    :param at: when it was sent
    :param energy: kWh; ``None`` if GRDF said that it has none, or did not mention a requested day
    :param allowed: whether the account could hold it, by what GRDF had shown of the rights
    :param run: the run that received it
    """

    at: datetime
    energy: float | None
    allowed: bool
    run: str


def paris_day(instant: datetime) -> date:
    """Return the civil date in Paris."""
    return instant.astimezone(PARIS).date()


def in_force(right: Right, today: date, kind: str = "informatives") -> bool:
    """Return whether calls may be made under a right today."""
    return (
        right["etat_droit_acces"] == "Active"
        and right["date_debut_droit_acces"] <= today.isoformat() <= right["date_fin_droit_acces"]
        and right[f"perim_donnees_{kind}"] == "Vrai"
    )


def covers(right: Right, day: date) -> bool:
    """Return whether a gas day is in a right's perimeter."""
    return bool(right["perim_donnees_conso_debut"] <= day.isoformat() < right["perim_donnees_conso_fin"])


@dataclass
class Witnessed:
    """Everything that was seen of a life.

    :param rights: returns all rights at GRDF as they are now
    :param now: returns the present moment
    """

    rights: Callable[[], list[Right]]
    now: Callable[[], datetime]
    owner: dict[str, str] = field(default_factory=dict)
    """The account whose household gave each right."""
    secrets: set[str] = field(default_factory=set)
    said: dict[tuple[str, str, date], list[Said]] = field(default_factory=lambda: defaultdict(list))
    brought: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """The rights that an account has had by the meters' documents, by account and meter, oldest first."""
    order: dict[str, None] = field(default_factory=dict)
    """These rights in the order in which their accounts have had them."""
    shown: dict[str, Right] = field(default_factory=dict)
    """What GRDF's answers have shown of each right last. Its list makes nothing worse; its answer about meters does."""
    noted: set[str] = field(default_factory=set)
    """Those of which the meters' documents have an answer."""
    ranked: dict[str, None] = field(default_factory=dict)
    """Those that an answer has shown as in force while no other account had the meter, in that order."""
    after: dict[str, str] = field(default_factory=dict)
    """The end of the days of a household that has left, by each right that came after it, or was behind."""
    over: dict[str, date] = field(default_factory=dict)
    """The day on which an answer first showed that a right was over, be it that to its revocation."""
    kept: set[str] = field(default_factory=set)
    """Runs that have ended well."""
    left: set[str] = field(default_factory=set)
    """Accounts whose deletion has ended. Their ids are not used again."""
    leaving: dict[str, set[str]] = field(default_factory=dict)
    """Accounts whose deletion is in progress, with the rights that it must end."""
    faults: list[str] = field(default_factory=list)
    documents: dict[tuple[str, str], Any] = field(default_factory=dict)
    monthly: dict[tuple[str, str], set[tuple[str, str, float]]] = field(default_factory=lambda: defaultdict(set))
    """By meter and perimeter: what was said of a period, its first day and kWh; of facts, who allowed them."""

    # -- what passes ------------------------------------------------------------------------------------------------

    def about_to(self, actor: str | None, method: str, path: str) -> None:
        """See :class:`tests.model.wire.Witness`."""
        if method == "PATCH" and "/droit_acces/" in path:
            owner = self.owner.get(path.rpartition("/")[2])
            if owner != actor:
                self.faults.append(f"3: the deletion of {actor} revokes a right that {owner} gave")

    def answered(self, call: Call) -> None:
        """See :class:`tests.model.wire.Witness`."""
        if call.path.endswith("/donnees_consos_informatives") and call.actor and call.status == 200:
            self._data(call, call.actor, call.path.split("/")[-2])
        elif call.path.rpartition("_")[2] in ("publiees", "contractuelles", "techniques") and call.status == 200:
            self._monthly(call, call.path.split("/")[-2], call.path.rpartition("_")[2])
        elif call.path.endswith("/droits_acces") and call.status == 200:
            self._rights(call)
        elif call.method == "PATCH" and "/droit_acces/" in call.path and call.status == 200:
            self.over.setdefault(call.path.rpartition("/")[2], paris_day(self.now()))
            # Who is behind comes into force by an answer after that.
            self.shown = {each: line for each, line in self.shown.items() if each in self.ranked}

    def _rights(self, call: Call) -> None:
        for text in call.body.decode().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            right, active = line.get("id_droit_acces"), line.get("etat_droit_acces") == "Active"
            if right and (active or call.method == "POST"):
                self.shown[right] = line
                if not active:
                    self.over.setdefault(right, paris_day(self.now()))

    def rank(self) -> None:
        """Let each right that GRDF has shown as in force have its turn, if its account is the first that stands.

        That is so from a write of the meter's document on: two answers may be noted in another order than they came.
        """
        owners = {right: (pce, name) for name, mine in self.brought.items() for pce in mine for right in mine[pce]}
        for right in [each for each in self.order if each in owners and each in self.noted - self.ranked.keys()]:
            pce, account = owners[right]
            standing = [each for each in self.order if each in owners and owners[each][0] == pce and self._stands(each)]
            first = min(standing, key=lambda each: each not in self.ranked, default=right)
            shown = self.shown.get(right)
            if shown and shown["etat_droit_acces"] == "Active" and owners[first][1] == account:
                self.ranked.setdefault(right)

    def _stands(self, right: str) -> bool:
        """Return whether a right covers days to come, or may, for all that GRDF has shown."""
        shown = self.shown.get(right)
        return right not in self.over and (shown is None or str(paris_day(self.now())) < _end(shown))

    def holder(self, pce: str, day: date) -> str:
        """Return whose a gas day of a meter is: the first whose right covers it as GRDF has shown; else ``""``."""
        return next((account for account, first, end in self._spans(pce) if first <= str(day) < end), "")

    def _spans(self, pce: str) -> Iterator[tuple[str, str, str]]:
        """Yield the accounts that have a meter's days, each with the first one and the end."""
        owners = {right: account for account, mine in self.brought.items() for right in mine.get(pce, ())}
        until: dict[str, str] = {}
        for right in [self.shown[right] for right in self.ranked if right in owners]:
            name, account = right["id_droit_acces"], owners[right["id_droit_acces"]]
            begins = [right["perim_donnees_conso_debut"], self.after.get(name, "")]
            begins += [end for other, end in until.items() if other != account]
            if max(begins) < self._until(name):
                yield account, max(begins), self._until(name)
            until[account] = max(until.get(account, ""), self._until(name))

    def _until(self, name: str) -> str:
        """Return the first day that a right which GRDF has shown does not cover."""
        right = self.shown[name]
        ended = [(right["date_revocation"] or str(self.over[name]))[:10]] if name in self.over else []
        return min([_end(right), *ended])

    def _monthly(self, call: Call, pce: str, kind: str) -> None:
        if kind != "publiees":
            self.monthly[pce, kind] |= {
                (account, "", 0.0)
                for account, mine in self.brought.items()
                if any(
                    each in self.shown and in_force(self.shown[each], paris_day(self.now()), kind) for each in mine[pce]
                )
            }
            return
        for text in call.body.decode().splitlines():
            try:
                use = json.loads(text).get("consommation")
            except ValueError:
                continue
            if use:
                self.monthly[pce, kind].add(("", use["date_debut_consommation"][:10], use["energie"]))

    def _data(self, call: Call, account: str, pce: str) -> None:
        now = self.now()
        told: dict[date, float | None] = {}
        refused = False
        for text in call.body.decode().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                refused = True
                continue
            use, status = line.get("consommation"), line.get("statut_restitution")
            if use:
                told[date.fromisoformat(use["journee_gaziere"])] = use["energie"]
            elif status and status["code"] != "1000008":
                refused = True
        first, end = (date.fromisoformat(call.query[name]) for name in ("date_debut", "date_fin"))
        for number in range((end - first).days):
            day = first + timedelta(days=number)
            if day in told or not refused:
                allowed = self.holder(pce, day) == account
                self.said[account, pce, day].append(Said(now, told.get(day), allowed, call.run))

    def written(self, database: str, key: str, document: Mapping[str, Any] | None) -> None:
        """Record a change of a document in CouchDB."""
        before = self.documents.get((database, key))
        if document is None:
            self.documents.pop((database, key), None)
        else:
            self.documents[database, key] = dict(document)
        account = key.partition(":")[0]
        if database == ACCOUNTS:
            self._account(account, before or {}, document)
        elif database == METERS:
            self._leave(before or {}, document or {})
            self._meter(key, document or {})
        elif database in (DAYS, DATA[3]) and document is None:
            first = date.fromisoformat(key.split(":")[2])
            if account not in self.leaving and self.holder(key.split(":")[1], first) == account:
                self.faults.append(f"1: {self._place(key)} of {database} is gone, and nobody leaves")
        elif database == DAYS and document is not None and (before or {}).get("load") != document["load"]:
            self._day(key, document["load"])
        elif database == DATA[3] and document is not None and document != before:
            pce, first = document["pce"], document["first"]
            told = ("", first, document["load"]) in self.monthly[pce, "publiees"]
            if not told or self.holder(pce, date.fromisoformat(first)) != account:
                self.faults.append(f"1: {account} stores a period that GRDF never told it, or that is not its own")

    def _day(self, key: str, load: float) -> None:
        account, pce, text = key.split(":")
        day = date.fromisoformat(text)
        if load not in [each.energy for each in self.said.get((account, pce, day), [])]:
            self.faults.append(f"1: {account} stores {text} of meter {self._name(pce)}, which GRDF never told it")
        elif self.holder(pce, day) != account:
            self.faults.append(f"1: {account} stores {text} of meter {self._name(pce)}, which is not its own")

    def _leave(self, before: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        was, now = before.get("rights") or [], document.get("rights") or []
        there, end = {right["id"] for right in now if right.get("id")}, ""
        gone = {right.get("id") for right in was if right.get("account")} - there
        for right in [*self.ranked, *(there - self.ranked.keys())]:
            if right in gone:
                end = max(end, self._until(right))
            elif right in there:
                self.after[right] = max(end, self.after.get(right, ""))

    def _meter(self, pce: str, document: Mapping[str, Any]) -> None:
        for right in document.get("rights") or []:
            account, given = right.get("account"), right.get("id")
            if not (account and given):
                continue
            if right.get("listed_at"):
                self.noted.add(given)
            if self.owner.get(given) != account:
                self.faults.append(f"2: {account} has a right to {self._name(pce)} that {self.owner.get(given)} gave")
            elif given not in self.brought[account][pce]:
                self.brought[account][pce].append(given)
                self.order.setdefault(given)
        self.rank()

    def _account(self, account: str, before: Mapping[str, Any], document: Any) -> None:
        if document is None:
            if account not in self.leaving:
                self.faults.append(f"2: the document of {account} is gone, and it does not leave")
            self.brought.pop(account, None)
            return
        if document.get("leaving") and account in self.left and not before:
            self.faults.append(f"5: {account} has left, and is there again")
        for pce, billing in (document.get("status", {}).get("billing") or {}).items():
            for kind, name in (("contractuelles", "contract"), ("techniques", "frequency")):
                if billing.get(name) and (account, "", 0.0) not in self.monthly[pce, kind]:
                    self.faults.append(f"1: {account} notes a {name} of meter {self._name(pce)}, not being allowed to")
        for pce in _named(before) - _named(document):
            self.faults.append(f"2: {account} has forgotten its meter {self._name(pce)}")

    def came_back(self, account: str) -> None:
        """Record that a household connects, again or for the first time."""
        if (ACCOUNTS, account) not in self.documents:  # a deletion that stopped near its end has nothing more to do
            self.leaving.pop(account, None)

    def begins_to_leave(self, account: str) -> None:
        """Record that the deletion of an account has marked it."""
        named = {right for mine in self.brought[account].values() for right in mine}
        self.leaving[account] = self.leaving.get(account, set()) | named

    def has_left(self, account: str) -> None:
        """Check what a successful deletion leaves behind, and record that the household has left."""
        for database, key in self.documents:
            if database in (*DATA, ACCOUNTS) and key.partition(":")[0] == account:
                self.faults.append(f"5: {self._place(key)} of {database} is left of {account}, which has left")
        stand = {right["id_droit_acces"] for right in self.rights() if right["etat_droit_acces"] == "Active"}
        if stand & self.leaving.pop(account, set()):
            self.faults.append(f"5: a right that {account} gave stands, although it has left")
        self.brought.pop(account, None)
        self.left.add(account)
        for key in [key for key in self.said if key[0] == account]:
            del self.said[key]

    def stays_without_consent(self, account: str) -> None:
        """Record that a deletion which keeps the data has succeeded."""
        self.leaving.pop(account, None)

    def returned(self, account: str | None, result: object) -> None:
        """Check what a task returned."""
        text = json.dumps(result, default=str)
        if any(secret in text for secret in self.secrets):
            self.faults.append(f"4: a task of {account} returned a secret or a meter's number")

    def _name(self, pce: str) -> str:
        return f"…{pce[-3:]}"

    def _place(self, key: str) -> str:
        account, _, rest = key.partition(":")
        return f"{account}:{rest[-14:]}"


def _end(right: Right) -> str:
    """Return the first day that a right does not cover, whatever ends it before."""
    last_call = date.fromisoformat(right["date_fin_droit_acces"][:10])
    return min(right["perim_donnees_conso_fin"], str(last_call + timedelta(days=1)))


def _named(document: Mapping[str, Any]) -> set[str]:
    consents = (document.get("oauth_callback_results") or {}).get("consents") or []
    return {entry["pce"] for entry in consents}
