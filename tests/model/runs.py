"""The DAGs of a life: each kind of run, executed by the real operators at the moment that the life has reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from tests.model import tasks
from tests.model.world import World


@dataclass
class Runs:
    """The runs of all DAGs in one life, those between ``extract`` and ``load`` among them."""

    world: World
    numbers: Any = field(default_factory=lambda: count(1))
    open: dict[str, tuple[dict[str, Any], Any]] = field(default_factory=dict)
    """Runs between ``extract`` and ``load``, with their contexts and staged answers."""
    last_day: dict[str, date] = field(default_factory=dict)
    removing: set[str] = field(default_factory=set)
    publication_days: int = 1

    def do_check(self) -> None:
        """The DAG ``grdf_consents`` runs."""
        from grdf.operators.check_rights import CheckRightsOperator

        tasks.execute(self.world, CheckRightsOperator, self._context("scheduled"), actor=None)

    def _scheduled(self, account: str) -> None:
        document = self.world.account(account)
        if document is None or document.get("leaving"):
            return
        self.do_load(account)
        now = self.world.clock.now
        day, at = tasks.run_of(account, now, self.publication_days)
        if day <= self.last_day.get(account, date.min):
            day += timedelta(days=1)
            at = tasks.run_of(account, now + timedelta(hours=5), self.publication_days)[1]
            if day != tasks.run_of(account, at, self.publication_days)[0]:
                return
            self.world.clock.pass_(max(0.0, (at - now).total_seconds()))
        self.last_day[account] = day
        self._run(account, "scheduled", day)

    def _run(self, account: str, run_type: str, day: date | None) -> None:
        if self._extract(account, run_type, day):
            self.do_load(account)

    def do_run(self, account: str) -> None:
        """Somebody starts a run by hand."""
        if self.world.account(account) is not None and account not in self.open:
            self._run(account, "manual", None)

    def do_extract(self, account: str, run_type: str) -> None:
        """A run executes ``extract``, and ``load`` has to wait."""
        if self.world.account(account) is not None and account not in self.open:
            self._extract(account, run_type, None)

    def do_backfill(self, account: str, back: int) -> None:
        """A native backfill runs once."""
        if self.world.account(account) is not None and account not in self.open:
            self._run(account, "backfill", self.world.today - timedelta(days=back))

    def _extract(self, account: str, run_type: str, day: date | None) -> bool:
        from grdf.operators.acquire_token import AcquireTokenOperator
        from grdf.operators.extract import ExtractOperator
        from grdf.operators.rescope_token import RescopeTokenOperator

        if run_type == "scheduled" and day is None:
            day = tasks.run_of(account, self.world.clock.now, self.publication_days)[0]
        at_hand = self._context(run_type, day)
        ended: Any = None
        for kind in (AcquireTokenOperator, RescopeTokenOperator, ExtractOperator):
            ended = tasks.execute(self.world, kind, at_hand, actor=account, account_id=account)
            if ended.state != "success":
                return False
        self.open[account] = at_hand, ended.result
        return True

    def do_load(self, account: str) -> None:
        """A run that has executed ``extract`` goes on."""
        from grdf.operators.load import LoadOperator

        if account in self.open:
            at_hand, staged = self.open.pop(account)
            ended = tasks.execute(self.world, LoadOperator, at_hand, actor=account, account_id=account, staged=staged)
            if ended.state == "success":
                self.world.book.kept.add(f"{account} {at_hand['run_id']}")

    def do_history(self, account: str, back: int, length: int, definitive: bool) -> None:
        """Somebody starts reading a range of the past again."""
        from grdf.operators.history import ReadHistoryOperator

        if self.world.account(account) is None:
            return
        first = self.world.today - timedelta(days=back)
        at_hand = self._context("manual")
        at_hand["params"] = {
            "accounts": [account], "from": first.isoformat(), "to": (first + timedelta(days=length)).isoformat(),
            "include_definitive": definitive,
        }  # fmt: skip
        ended = tasks.execute(self.world, ReadHistoryOperator, at_hand, actor=account, account_id=account)
        if ended.state == "success":
            self.world.book.kept.add(f"{account} {at_hand['run_id']}")

    def do_published(self) -> None:
        """The DAG ``grdf_published`` runs."""
        from grdf.operators.read_published import ReadPublishedOperator

        tasks.execute(self.world, ReadPublishedOperator, self._context("scheduled"), actor=None)

    def do_leave(self, account: str, keep: bool, steps: int) -> None:
        """A household leaves. The deletion may stop after some of its steps."""
        from grdf.operators.deletion import deletion_steps, plan

        book = self.world.book
        if self.world.account(account) is None and account not in book.leaving:
            return
        params = {"account": account, "confirm": account, "dry_run": False, "keep_data": keep}
        at_hand = self._context("manual")
        at_hand["params"] = params
        tasks.setting("deletion_needs_approval", False)
        kinds = (
            plan.CheckDeletionOperator, deletion_steps.MarkLeavingOperator, deletion_steps.RevokeRightsOperator,
            deletion_steps.PurgeAccountOperator,
        )  # fmt: skip
        for number, kind in enumerate(kinds):
            if number >= steps:
                return
            if kind is deletion_steps.MarkLeavingOperator:
                book.begins_to_leave(account)
                self.removing |= set() if keep else {account}  # what has begun to remove the data goes on
            ended = tasks.execute(self.world, kind, at_hand, actor=account, account_id=account)
            if ended.state != "success":
                return
        if keep and account not in self.removing:
            book.stays_without_consent(account)
        else:
            self.open.pop(account, None)
            self.removing.discard(account)  # one of an account that a backup brings back is another deletion
            book.has_left(account)

    def _context(self, run_type: str, day: date | None = None) -> dict[str, Any]:
        return tasks.context(self.world, f"{run_type}__{next(self.numbers)}", run_type, day)
