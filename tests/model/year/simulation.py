"""A year as it passes: the town's mornings, what households, GRDF and operators do, and a look at all each day."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from include.gas.errors import GasError
from include.sandbox.adict.access.rights import REVOCABLE
from tests.model.leader import damage_list
from tests.model.year.post import NOTIFIER, Mailbox
from tests.model.year.stories import ON_GRDFS_SITE, plan
from tests.model.year.truth import Book, Right, Stay, Wrong
from tests.promises.adapter import ACCOUNTS, DAYS, METERS, MONTHS, RIGHTS, YEARS, Asked, Document, Ended, Town

PRICES = "com-grandlyon-fluidsprices"
WHOLE_READING = timedelta(days=300)
KEPT_YEARS = 3
LAST_NAME = "Exemple"
"""Everybody's, so that a household has one name on each of its ways in."""
QUIET_RUNS_EVERY = 2
"""A household to which nothing has happened for four days has its run on each second morning only, to save time.

On each third one, it would look silent now and then, as GRDF's days may be three days late, too.
"""


@dataclass
class Unloaded:
    """A task that has failed, to be cleared later."""

    operator: Any
    context: Document
    results: Document


class Year(Town):
    def __init__(self, start: date, staging: Path) -> None:
        self.book = Book()
        self.wrong: list[Wrong] = []
        self.closed: dict[str, tuple[float, int]] = {}
        """Totals of periods whose days retention has removed, as they were just before."""
        self.rights_now: dict[str, list[Right]] = {}
        self.widest: dict[str, date] = {}
        """The first day that each run has asked for."""
        self.failing_account = ""
        self.unloaded: Unloaded | None = None
        self.loaded: set[tuple[str, datetime]] = set()
        self.named: dict[str, Any] | None = None
        """What the watch remembers between its runs."""
        self.later: list[tuple[date, Callable[[], object]]] = []
        self.backups: dict[date, tuple[Document, dict[str, tuple[float, int]]]] = {}
        self.first_day = start
        super().__init__(start, staging)

    # ---- The course of days ------------------------------------------------------------------------------------------

    def live(self, seed: int, homes: int, days: int) -> None:
        from tests.model.year.judging import judge_all, judge_evening

        new_year = (date(self.first_day.year + 1, 1, 1) - self.first_day).days
        events = plan(seed, homes, days, new_year)
        self.set(days_kept_years=KEPT_YEARS, alert_notifier=NOTIFIER)
        for number in range(days):
            mails = len(Mailbox.mails)
            self._night()
            for _, name, values in [event for event in events if event[0] == number]:
                self.rights_now.clear()
                getattr(self, f"do_{name}")(*values)
            for day, do in [item for item in self.later if item[0] <= self.today]:
                self.later.remove((day, do))
                do()
            self._morning(number)
            judge_evening(self, Mailbox.mails[mails:])
            if number % 30 == 29 or number == days - 1:
                judge_all(self)

    def _night(self) -> None:
        """Remove what is kept no longer, at New Year and once a month; keep a copy of the databases."""
        self.until(self.today + timedelta(days=1), 3, 40)
        self.rights_now.clear()
        if self.today.day == 1 or (self.today.month, self.today.day) == (1, 2):
            self._close_periods()
            self._expect_well("grdf_retention", self.run_dag("grdf_retention", params={"dry_run": False}))
        copied = {name: dict(documents) for name, documents in self.couch.databases.items()}
        self.backups[self.today] = (copied, dict(self.closed))
        self.backups.pop(self.today - timedelta(days=12), None)

    def _morning(self, number: int) -> None:
        for right in self.rights(state="A valider"):
            self.answer(right["id_pce"])
        self.rights_now.clear()
        self.until(self.today, 7, 20)
        self._expect_well("grdf_waiting_rights", self.look())
        self.until(self.today, 7, 30)
        self._expect_well("grdf_consents", self.check())
        self.first_runs()
        self.until(self.today, 9, 5)
        for account in sorted(self.documents(ACCOUNTS)):
            if (sum(account.encode()) + number) % QUIET_RUNS_EVERY == 0 or self._has_news(account):
                day = self._due(account)
                if day > self.last.get(account, date.min):
                    self.last[account] = day
                    self._expect_well(account, self.run(account, "scheduled", day))
        self.until(self.today, 14)
        self.rights_now.clear()
        self.health()

    def _has_news(self, account: str) -> bool:
        some_days_ago = self.ago(4)
        in_town = self.book.events_since("", some_days_ago) or self.book.trouble_until >= some_days_ago
        return in_town or self.book.events_since(account, some_days_ago)

    def _expect_well(self, what: str, ended: Ended) -> None:
        if not ended.well and self.book.trouble_until < self.today and self.unloaded_for(what) is None:
            self.note_wrong(5, what, f"its run {ended.state}: {ended.text[:300]}")

    def unloaded_for(self, account: str) -> Unloaded | None:
        return self.unloaded if account == self.failing_account else None

    def note_wrong(self, rule: int, account: str, text: str) -> None:
        self.wrong.append(Wrong(self.today, account, rule, text))

    # ---- What households do ------------------------------------------------------------------------------------------

    def name(self, household: str) -> str:
        return self.book.account_of.get(household, household)

    def do_come(self, household: str, home: int, way: str, back: int, ahead: int) -> None:
        pce, since = METERS[home], date.min if household.endswith("a") else self.today
        if way == "adopted" and self.book.events_since("", self.ago(12)):
            way = "page"  # unclaimed rights of others would be adopted, too
        if way == "adopted":
            _, (right,) = self.agree(household, pce, back=back, ahead=ahead)
            self.book.account_of[household] = f"right-{right}"
        account = self.name(household)
        self.book.note(self.today, account, f"{household} comes to {pce}: {way}, data since {self.ago(back)}")
        self.book.stays.append(Stay(account, pce, since))
        if way in ON_GRDFS_SITE:
            self.connect(account, pce, way=way, back=back, ahead=ahead)
        elif way == "adopted":
            self.check()  # which sees that the household before has moved out
            self.adopt()
            self.first_runs()
        elif way == "konnector":
            _, (right,) = self.agree(account, pce, back=back, ahead=ahead)
            self.konnector(account, pce, right)
            self.first_runs()
        else:
            given = {"first": self.ago(back), "calls_until": self.ago(-ahead), "name": LAST_NAME}
            self.declare(account, pce, way, **given)

    def do_renew(self, household: str, home: int, way: str) -> None:
        account = self.name(household)
        self.book.note(self.today, account, f"consents again: {way}")
        if way in ON_GRDFS_SITE:
            self._agree_again(household, METERS[home], way)
        else:
            given = {"first": self.ago(90), "calls_until": self.ago(-1000), "name": LAST_NAME}
            self.declare(account, METERS[home], way, **given)

    def _agree_again(self, household: str, pce: str, way: str) -> None:
        account = self.name(household)
        if account != household:  # its right must name the household
            self.agree(household, pce, back=90, ahead=1000, keep_others=False)
            self.check(account)
        else:
            self.connect(account, pce, way=way, back=90, ahead=1000, keep_others=False)

    def do_move_out(self, household: str, home: int) -> None:
        account = self.name(household)
        self.book.note(self.today, account, "moves out, and ends its consent")
        self._end_rights(account, METERS[home])
        self.book.leave(account, METERS[home], self.today)

    def do_withdraw(self, household: str, home: int) -> None:
        account = self.name(household)
        self.book.note(self.today, account, "withdraws its consent on GRDF's site")
        self._end_rights(account, METERS[home])

    def _end_rights(self, account: str, pce: str) -> None:
        given = self.book.given_by(account, self.rights(pce))
        self.revoke(*(right["id_droit_acces"] for right in given if right["etat_droit_acces"] in REVOCABLE))

    def do_delete(self, household: str, home: int) -> None:
        account = self.name(household)
        self.book.note(self.today, account, "moves out and is deleted")
        ended = self.leave(account)
        self._expect_well(account, ended)
        self.book.leave(account, METERS[home], self.today)
        self.book.deleted[account] = self.today

    def do_exchange(self, one: str, home: int, other: str, other_home: int) -> None:
        self.do_move_out(one, home)
        self.do_move_out(other, other_home)
        for household, pce in ((one, METERS[other_home]), (other, METERS[home])):
            account = self.name(household)
            self.book.note(self.today, account, f"moves to {pce}, and connects it to the same account")
            self.book.stays.append(Stay(account, pce, self.today))
            self.connect(account, pce, way="page", back=20, ahead=1000)

    # ---- What GRDF does ----------------------------------------------------------------------------------------------

    def do_correct(self, household: str, home: int, back: int) -> None:
        day = self.ago(back)
        self.book.note(self.today, self.name(household), f"GRDF corrects {day}")
        self.book.changed_on[METERS[home], day] = self.today
        self.correct(METERS[home], day, 7 + back)

    def do_silence(self, days: int) -> None:
        self.book.note(self.today, "", f"GRDF answers no question about days for {days} days")
        self._have_trouble(days)
        self.fault(503, "informatives", times=10**6)
        self.later.append((self.ago(-days), self.calm))

    def do_late_days(self, days: int) -> None:
        self.book.note(self.today, "", f"GRDF has no new days for {days} days")
        self._have_trouble(days)
        held_back = [self.ago(number) for number in range(-days, 2)]
        for pce in METERS[:80]:
            self.odd(pce, lines={"missing": held_back})
        self.later.append((self.ago(-days), self._publish))

    def _publish(self) -> None:
        for pce in METERS[:80]:
            self.odd(pce, lines={"missing": []})

    def do_odd_list(self, how: str) -> None:
        self.book.note(self.today, "", f"GRDF's list of rights is {how} for a morning")
        self._have_trouble(1)
        self.fault(partial(damage_list, how), "/droits_acces$", method="GET", times=1)

    def _have_trouble(self, days: int) -> None:
        self.book.trouble_until = max(self.book.trouble_until, self.ago(-days - 3))

    # ---- What operators do -------------------------------------------------------------------------------------------

    def do_price(self, price: float) -> None:
        self.book.note(self.today, "", f"the price of gas is corrected: {price} € per kWh")
        row = {"fluidType": 2, "price": price, "startDate": "2022-01-01T00:00:00.000Z", "endDate": None}
        database = self.couch.databases.setdefault(PRICES, {})
        database["gas"] = {"_id": "gas", "_rev": f"{len(self.book.events)}-1", **row}
        self._expect_well("grdf_prices", self.run_dag("grdf_prices"))

    def do_restore(self, part: str, back: int) -> None:
        """Restore a backup, and do what the page about restoring says: deletions since then are made again."""
        day = max([night for night in self.backups if night <= self.ago(back)], default=min(self.backups))
        self.book.note(self.today, "", f"restores {part} as of the night of {day}")
        documents, closed = self.backups[day]
        databases = {"accounts": [ACCOUNTS], "rights": [RIGHTS]}.get(part, list(self.couch.databases))
        for name in databases:
            self.couch.databases[name] = dict(documents.get(name, {}))
        if part == "everything":
            self.closed = dict(closed)
        self.book.restored_on = self.today
        for account, deleted in self.book.deleted.items():
            if deleted >= day and self.account(account):
                self._expect_well(account, self.leave(account))
        self.later.append((self.ago(-4), self._bring_back))

    def _bring_back(self) -> None:
        """Let households whose account was lost connect again, and take over what they gave since the backup."""
        for stay in [stay for stay in self.book.stays if stay.until > self.today]:
            if stay.account in self.book.deleted:
                continue
            household = next((name for name, account in self.book.account_of.items() if account == stay.account), "")
            needs_nothing = self.book.needs_nothing(stay.account, self.rights(stay.pce), self.today)
            if not self.account(stay.account) and needs_nothing:
                self.book.note(self.today, stay.account, "its account was lost: connects again")
                if household:
                    self.adopt()
                    self.first_runs()
                else:
                    self._agree_again(stay.account, stay.pce, "page")
            elif self.state(stay.account).endswith("OAUTH_OUTDATED") and needs_nothing:
                self.book.note(self.today, stay.account, "an operator takes over the right that it gave")
                self.check(stay.account)

    def do_fail_next_whole_load(self, household: str) -> None:
        self.failing_account = self.name(household)

    def do_clear_load(self, _household: str) -> None:
        failed = self.unloaded
        if failed is None:
            return
        self.book.note(self.today, self.failing_account, "the failed load is cleared")
        account, self.failing_account = self.failing_account, ""
        self._expect_well(account, super()._task(failed.operator, failed.context, failed.results, 1))

    def _close_periods(self) -> None:
        """Keep the totals of the years before the first kept day; what is stored of them is final."""
        first = f"{self.today.year - KEPT_YEARS}-01-01"
        for key, document in {**self.documents(MONTHS), **self.documents(YEARS)}.items():
            if key.rpartition(":")[2] < first[: len(key.rpartition(":")[2])]:
                self.closed.setdefault(key, (document["load"], document["days"]))

    # ---- What is seen ------------------------------------------------------------------------------------------------

    def rights_to(self, pce: str) -> list[Right]:
        if pce not in self.rights_now:
            self.rights_now[pce] = self.rights(pce)
        return self.rights_now[pce]

    def heard(self, asked: Asked, body: bytes) -> None:
        del body
        if asked.method != "GET":
            self.rights_now.clear()
        if asked.path.endswith("informatives") and asked.status == 200:
            first, _ = asked.days()
            self.widest[asked.job.run] = min(first, self.widest.get(asked.job.run, first))

    def written(self, database: str, key: str, before: Document | None, document: Document | None) -> None:
        if database != DAYS or document is None or (before and before["load"] == document["load"]):
            return
        account, pce, day = key.split(":")
        if not self.book.is_own_day(account, date.fromisoformat(day), pce, self.rights_to(pce)):
            self.note_wrong(1, account, f"stores {day} of {pce}, which is not its own")

    def _task(self, operator: Any, context: Document, results: Document, tries: int) -> Ended:
        task, dag_id = operator.task_id, context["dag"].dag_id
        if dag_id == "grdf_health":
            self._remember(context["ti"])
        account = getattr(operator, "account_id", "")
        if task == "load" and self._must_fail(account, context["run_id"]):
            self.book.note(self.today, account, "the load of a whole reading fails")
            self.unloaded = Unloaded(copy.copy(operator), context, results)
            return Ended("failed", "stopped by the test")
        ended = super()._task(operator, context, results, tries)
        if ended.error and not isinstance(ended.error, GasError):
            self.note_wrong(5, account or dag_id, f"{task} ends with {ended.text[:200]}")
        if task == "load" and ended.state == "success" and "data_interval_start" in context:
            self.loaded.add((dag_id, context["data_interval_start"]))
        return ended

    def _must_fail(self, account: str, run_id: str) -> bool:
        if account != self.failing_account or self.unloaded is not None:
            return False
        return self.today - self.widest.get(run_id, self.today) > WHOLE_READING

    def _remember(self, ti: SimpleNamespace) -> None:
        """Have Airflow tell the watch what it told the day before, and of which days runs have loaded."""

        def count(dag_id: str, *, logical_dates: list[datetime], **_: Any) -> int:
            return sum((dag_id, moment) in self.loaded for moment in logical_dates)

        def push(*, key: str, value: dict[str, Any]) -> None:
            del key
            self.named = value

        ti.get_ti_count = count
        ti.get_dag = lambda _: SimpleNamespace(is_paused=False)
        ti.get_task_states = lambda _: {}
        ti.xcom_push = push
        ti.xcom_pull = lambda **_: self.named
