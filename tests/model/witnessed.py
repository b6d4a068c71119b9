"""What passes between households, GRDF, tasks and CouchDB in a life, and which rules of the truth it breaks at once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from include.gas.errors import GasError, ProgramFault
from include.sandbox.adict import identity
from tests.promises.adapter import ACCOUNTS, DAYS, MONTHS, PERIODS, RIGHTS, YEARS, Asked, Document, Ended, Town

METERS = ("09999990000101", "09999990000202", "09999990000303", "GI999404")
DATA = (DAYS, MONTHS, YEARS, PERIODS)
Right = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What an answer had of a day: ``energy`` is ``None`` if GRDF has none, or did not mention a requested day."""

    energy: float | None
    allowed: bool
    run: str


def in_force(right: Right, today: date, kind: str = "informatives") -> bool:
    return (
        right["etat_droit_acces"] == "Active"
        and right["date_debut_droit_acces"] <= str(today) <= right["date_fin_droit_acces"]
        and right[f"perim_donnees_{kind}"] == "Vrai"
    )


class Witnessed(Town):
    waits = 3

    def __init__(self, start: date, staging: Path) -> None:
        self.untrue: list[str] = []
        self.diary: list[str] = []
        self.before: dict[tuple[str, str], Callable[[], object]] = {}
        """What happens before an account's task."""
        self.stop = ""
        """The task before which the next deletion stops."""
        self.owner: dict[str, str] = {}
        """The account of the household that gave each right."""
        self.secrets = {*METERS, identity.DATA_CLIENT_SECRET, identity.DELETE_CLIENT_SECRET}
        self.said: dict[tuple[str, str, date], list[Said]] = defaultdict(list)
        self.brought: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        """The rights that an account has had by the meters' documents, by account and meter, oldest first."""
        self.order: dict[str, None] = {}
        """These rights in the order in which their accounts have had them."""
        self.shown: dict[str, Right] = {}
        """What GRDF has shown of each right last. Its list makes nothing worse; its answer about meters does."""
        self.noted: set[str] = set()
        """Those of which the meters' documents have an answer."""
        self.ranked: dict[str, None] = {}
        """Those that an answer has shown as in force while no other account had the meter, in that order."""
        self.after: dict[str, str] = {}
        """The end of the days of a household that has left, by each right that came after it, or was behind."""
        self.free: dict[str, str] = {}
        """The first day after those of the households that have left, by meter: nobody who comes later gets them."""
        self.over: dict[str, date] = {}
        """The day on which an answer first showed that a right was over, be it that to its revocation."""
        self.kept: set[str] = set()
        """Runs that have stored what they had read."""
        self.left: set[str] = set()
        """Accounts that have been deleted. Their ids are not used again."""
        self.leaving: dict[str, set[str]] = {}
        """Accounts that are being deleted, with the rights that this must end."""
        self.removing: set[str] = set()
        """Those that lose their data now, which goes on after any later request."""
        self.monthly: dict[tuple[str, str], set[tuple[str, str, float]]] = defaultdict(set)
        """By meter and perimeter: what was said of a period, its first day and kWh; of facts, who allowed them."""
        super().__init__(start, staging)

    def note(self, text: str) -> None:
        self.diary.append(f"{self.clock.now:%Y-%m-%d %H:%M} {text:.300}")

    def agree(self, account: str, *pces: str, **terms: Any) -> tuple[str, list[str]]:
        code, made = super().agree(account, *pces, **terms)
        self.owner |= dict.fromkeys(made, account)
        self.secrets.add(code)
        return code, made

    def exchange(self, code: str) -> Document:
        token = super().exchange(code)
        self.secrets |= {token["id_token"], token["access_token"]}
        return token

    def _task(self, operator: Any, context: Document, results: Document, tries: int) -> Ended:
        task = operator.task_id
        if task == self.stop:
            return Ended("failed", "stopped")
        if do := self.before.pop((context["dag"].dag_id, task), None):
            do()
        if task == "mark_leaving":
            leaver = context["params"]["account"]
            self.leaving.setdefault(leaver, set()).update(*self.brought[leaver].values())
            self.removing |= set() if context["params"]["keep_data"] else {leaver}
        ended = super()._task(operator, context, results, tries)
        self.note(f"  {context['dag'].dag_id}.{task} {ended.state}: {ended.text or ended.result}")
        if ended.error and (isinstance(ended.error, ProgramFault) or not isinstance(ended.error, GasError)):
            raise ended.error
        if ended.state == "success":
            if task in ("load", "read"):
                self.kept.add(context["run_id"])
            if any(secret in json.dumps(ended.result, default=str) for secret in self.secrets):
                self.untrue.append(f"4: {context['dag'].dag_id}.{task} returned a secret or a meter's number")
        return ended

    def heard(self, asked: Asked, body: bytes) -> None:
        kind, account = asked.path.rpartition("_")[2], asked.job.account
        if asked.status != 200:
            return
        lines = list(_parsed(body))
        if kind == "informatives" and account:
            self._hear_days(asked, account, lines)
        elif kind == "publiees":
            uses = [use for line in lines if (use := (line or {}).get("consommation"))]
            self.monthly[asked.pce, kind] |= {("", use["date_debut_consommation"][:10], use["energie"]) for use in uses}
        elif kind in ("contractuelles", "techniques"):
            self.monthly[asked.pce, kind] |= {
                (name, "", 0.0)
                for name, mine in self.brought.items()
                if any(each in self.shown and in_force(self.shown[each], self.today, kind) for each in mine[asked.pce])
            }
        elif asked.path.endswith("/droits_acces"):
            self._hear_rights(asked.method, lines)
        elif asked.method == "PATCH" and "/droit_acces/" in asked.path:
            self.over.setdefault(asked.path.rpartition("/")[2], self.today)
            # Who is behind comes into force by an answer after that.
            self.shown = {each: line for each, line in self.shown.items() if each in self.ranked}

    def _hear_rights(self, method: str, lines: list[Any]) -> None:
        for line in lines:
            right, active = (line or {}).get("id_droit_acces"), (line or {}).get("etat_droit_acces") == "Active"
            if right and (active or method == "POST"):
                self.shown[right] = line
                if not active:
                    self.over.setdefault(right, self.today)

    def _hear_days(self, asked: Asked, account: str, lines: list[Any]) -> None:
        loads: dict[date, float | None] = {}
        refused = None in lines
        for line in filter(None, lines):
            use, status = line.get("consommation"), line.get("statut_restitution")
            if use:
                loads[date.fromisoformat(use["journee_gaziere"])] = use["energie"]
            elif status and status["code"] != "1000008":
                refused = True
        first, end = asked.days()
        for day in (first + timedelta(days=number) for number in range((end - first).days)):
            if day in loads or not refused:
                said = Said(loads.get(day), self.holder(asked.pce, day) == account, asked.job.run)
                self.said[account, asked.pce, day].append(said)

    def rank(self) -> None:
        """Rank the rights in force once their account is the first that stands: answers may be noted out of order."""
        owners = {right: (pce, name) for name, mine in self.brought.items() for pce in mine for right in mine[pce]}
        for right in [each for each in self.order if each in owners and each in self.noted - self.ranked.keys()]:
            pce, account = owners[right]
            standing = [each for each in self.order if each in owners and owners[each][0] == pce and self._stands(each)]
            first = min(standing, key=lambda each: each not in self.ranked, default=right)
            shown = self.shown.get(right)
            if shown and shown["etat_droit_acces"] == "Active" and owners[first][1] == account:
                self.ranked.setdefault(right)
                self.after[right] = max(self.after.get(right, ""), self.free.get(pce, ""))

    def _stands(self, right: str) -> bool:
        """Return whether a right covers days to come, or may, for all that GRDF has shown."""
        shown = self.shown.get(right)
        return right not in self.over and (shown is None or str(self.today) < _end(shown))

    def holder(self, pce: str, day: date) -> str:
        """Return the first account with a right that covers a gas day as GRDF has shown; else ``""``."""
        return next((account for account, first, end in self._spans(pce) if first <= str(day) < end), "")

    def _spans(self, pce: str) -> Iterator[tuple[str, str, str]]:
        owners = {right: account for account, mine in self.brought.items() for right in mine.get(pce, ())}
        until: dict[str, str] = {}
        for name in [name for name in self.ranked if name in owners]:
            account = owners[name]
            begins = [self.shown[name]["perim_donnees_conso_debut"], self.after.get(name, "")]
            begins += [end for other, end in until.items() if other != account]
            if max(begins) < self._until(name):
                yield account, max(begins), self._until(name)
            until[account] = max(until.get(account, ""), self._until(name))

    def _until(self, name: str) -> str:
        """Return the first day that a right which GRDF has shown does not cover."""
        right = self.shown[name]
        dated = right["date_revocation"] or right["date_passage_a_obsolete"]
        ended = [(dated or str(self.over[name]))[:10]] if name in self.over else []
        return min([_end(right), *ended])

    def written(self, database: str, key: str, before: Document | None, document: Document | None) -> None:
        account, _, rest = key.partition(":")
        before = before or {}
        if database == ACCOUNTS:
            self._write_account(account, before, document)
        elif database == RIGHTS:
            self._write_meter(key, before.get("rights") or [], (document or {}).get("rights") or [])
        elif database in (DAYS, PERIODS):
            pce, first = rest.split(":")
            own = self.holder(pce, date.fromisoformat(first)) == account
            if document is None:
                wrong = own and account not in self.leaving
            elif database == DAYS:
                said = [each.energy for each in self.said.get((account, pce, date.fromisoformat(first)), [])]
                wrong = before.get("load") != document["load"] and not (own and document["load"] in said)
            else:
                known = ("", document["first"], document["load"]) in self.monthly[pce, "publiees"]
                wrong = document != before and not (own and known)
            if wrong:
                how = f"stores {document['load']}" if document else "has lost it"
                why = "GRDF has not said so" if own else "it is not its own"
                self.untrue.append(f"1: {account} {how} for {first} of …{pce[-3:]}: {why}")

    def _write_meter(self, pce: str, was: list[Document], now: list[Document]) -> None:
        there, end = {right["id"] for right in now if right.get("id")}, ""
        gone = {right.get("id") for right in was if right.get("account")} - there
        for name in [*self.ranked, *(there - self.ranked.keys())]:
            if name in gone:
                end = max(end, self._until(name))
            elif name in there:
                self.after[name] = max(end, self.after.get(name, ""))
        self.free[pce] = max(end, self.free.get(pce, ""))
        for right in now:
            account, given = right.get("account"), right.get("id")
            if not (account and given):
                continue
            if right.get("listed_at"):
                self.noted.add(given)
            if self.owner.get(given) != account:
                self.untrue.append(f"2: {account} has a right to …{pce[-3:]} that {self.owner.get(given)} gave")
            elif given not in self.brought[account][pce]:
                self.brought[account][pce].append(given)
                self.order.setdefault(given)
        self.rank()

    def _write_account(self, account: str, before: Document, document: Document | None) -> None:
        if document is None:
            if account not in self.leaving:
                self.untrue.append(f"2: the document of {account} is gone, and it does not leave")
            self.brought.pop(account, None)
            return
        if document.get("leaving") and account in self.left and not before:
            self.untrue.append(f"5: {account} has left, and is there again")
        for pce, billing in (document.get("status", {}).get("billing") or {}).items():
            for kind, name in (("contractuelles", "contract"), ("techniques", "frequency")):
                if billing.get(name) and (account, "", 0.0) not in self.monthly[pce, kind]:
                    self.untrue.append(f"1: {account} notes a {name} of …{pce[-3:]}, not being allowed to")
        for pce in _named(before) - _named(document):
            self.untrue.append(f"2: {account} has forgotten its meter …{pce[-3:]}")

    def has_left(self, account: str) -> None:
        for database in (*DATA, ACCOUNTS):
            if any(key.partition(":")[0] == account for key in self.documents(database)):
                self.untrue.append(f"5: something in {database} is left of {account}, which has left")
        stand = {right["id_droit_acces"] for right in self.rights(state="Active")}
        if stand & self.leaving.pop(account, set()):
            self.untrue.append(f"5: a right that {account} gave stands, although it has left")
        self.removing.discard(account)  # one of an account that a program brings back is another deletion
        self.brought.pop(account, None)
        self.left.add(account)
        for key in [key for key in self.said if key[0] == account]:
            del self.said[key]


def _parsed(body: bytes) -> Iterator[Any]:
    for text in body.decode("utf-8", "replace").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            yield None


def _end(right: Right) -> str:
    """Return the first day that a right does not cover, whatever ends it before."""
    last_call = date.fromisoformat(right["date_fin_droit_acces"][:10])
    return min(right["perim_donnees_conso_fin"], str(last_call + timedelta(days=1)))


def _named(document: Document) -> set[str]:
    consents = (document.get("oauth_callback_results") or {}).get("consents") or []
    return {entry["pce"] for entry in consents}
