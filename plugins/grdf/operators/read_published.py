"""The monthly reading: billing periods, contracts, and reading frequencies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from random import sample
from typing import TYPE_CHECKING

from msgspec.structs import replace

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import undo_if_household_left, warn_of_skipped_lines
from grdf.meters.meter_requests import book_calls
from grdf.operators.base import GrdfOperator
from include.gas.account.account import check_not_leaving
from include.gas.account.client import client_or_empty
from include.gas.account.status import Billing, Status
from include.gas.answers.consumption.published import parse_published
from include.gas.answers.contract import parse_contract, parse_frequency
from include.gas.days.asked_days import is_full_read_due, published_window
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.lateness import silent_after
from include.gas.documents.billing.periods import Read, store_periods
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    BadSettings,
    CredentialsRefused,
    FailNow,
    GasError,
    QuotaExceeded,
    RetryLater,
    RightTooNarrow,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import MeterAccess

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.quota.call_terms import Terms
    from include.gas.documents.day_documents import Document

IN_A_ROW = 5
"""Failures of GRDF or CouchDB in a row after which it stops for now."""


class ReadPublishedOperator(GrdfOperator):
    """Reads the published data, contract and reading frequency of every account's meters.

    Each meter is due every three to four weeks, and at once under a new right. An account that fails stays due. Without
    quota, the task waits. Each try has its own order, so that failing accounts do not block those behind them.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return counts of meters, periods and accounts left unchanged; ``GasError`` after all others."""
        run = Run.from_context(context)
        named = run.named_accounts("Nothing was read. Enter account ids, or none for all that are due.")
        self._since, self._counts = run.due if named else None, Counter[str]()
        accounts = self.couchdb.fetch(ACCOUNT, named) if named else self._due_accounts()
        by_client: dict[str, list[str]] = defaultdict(list)
        for account_id in sample(list(named or accounts), len(named or accounts)):
            by_client[client_or_empty(accounts.get(account_id, {}))].append(account_id)
        problems = list[GasError]()
        for of_client in by_client.values():
            problems += self._read_all(of_client)
        counts = {what: number for what, number in self._counts.items() if number}
        self.log.info("Read: %s.", ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing is due")
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)  # what was read is no longer due
        return counts

    def _due_accounts(self) -> dict[str, Document]:
        due: dict[str, Document] = {}
        for document in self.accounts.active_documents():
            with self.each_account.serve(document["_id"]):
                if any(self._is_due(document, access) for access in Status.access_of(document).values()):
                    due[document["_id"]] = document
        return due

    def _is_due(self, document: Mapping[str, object], access: MeterAccess) -> bool:
        """Return whether a meter is due, or requested by a person and not read since."""
        billing = Status.billing_of(document, access.pce)
        if self._since is not None:
            return bool(access.days) and billing.read_at < utc_text(self._since)
        last, today = billing.last_read(access), paris_today(datetime.now(UTC))
        return bool(access.days) and is_full_read_due(str(document["_id"]), last, today)

    def _read_all(self, accounts: Iterable[str]) -> list[GasError]:
        """Read accounts of one client, and return why some remain. What concerns all of them ends it."""
        problems, in_a_row = list[GasError](), 0
        for account_id in accounts:
            with self.each_account.serve(account_id):
                try:
                    self._read(account_id)
                    in_a_row = 0
                except (AccountLeaving, BadAccount) as error:
                    self._counts["unchanged"] += 1
                    self.log.warning("Account %s is left unchanged: %s", account_id, error)
                except GasError as error:
                    self.log.warning("%s", error)
                    problems.append(error)
                    in_a_row += 1
                    if isinstance(error, (FailNow, QuotaExceeded)) or in_a_row == IN_A_ROW:
                        break
        return problems

    def _read(self, account_id: str) -> None:
        document = self.accounts.read_document(account_id)  # again: the list may be hours old
        check_not_leaving(document)
        account, client = self.ledger.read_account(document), self.adict.for_account(document)
        problems: list[RetryLater] = []
        for access in account.meters:
            if self._is_due(document, access):
                try:
                    self._read_meter(client, document, access)
                except QuotaExceeded:
                    raise
                except RetryLater as error:
                    problems.append(error)
        if problems:
            raise problems[0]

    def _read_meter(self, client: AdictHook, document: Document, access: MeterAccess) -> None:
        """Read a meter with one call for each kind of data, and store what the account may then hold.

        :raises GasError: if the failure concerns all accounts or is temporary; what was valid is stored
        """
        account, pce, now = str(document["_id"]), access.pce, datetime.now(UTC)
        billing, problem = Status.billing_of(document, pce), None
        refused, periods = list[str](), list[Read]()
        if access.is_open:
            of, windows = {"account": account, "pce": pce}, access.allowed_parts(published_window(paris_today(now)))
            injected = access.role.is_injection
            facts = 0 if injected else 2
            with book_calls(client, f"{account}:published {pce}", facts + len(windows), "history") as terms:
                if not injected:
                    billing = self._with_facts(client, billing, terms, refused, **of)
                try:
                    with self._note_refusal(account, "published data", refused):
                        for window in windows:
                            staged = client.published_lines(
                                pce, window, account=account, injected=injected, terms=terms
                            )
                            answer = parse_published(
                                staged.body, window=window, today=paris_today(now), injected=injected, **of
                            )
                            periods.append((answer, staged.read_at))
                            self._counts["left_out"] += warn_of_skipped_lines(answer, "published lines", self.log)
                            if found := answer.error_to_raise():
                                raise found
                except RetryLater as error:
                    problem = error
        if problem is None:  # otherwise it stays due
            drift = tuple(sorted({each for answer, _ in periods for each in answer.drift}))
            billing = replace(billing, read_at=utc_text(now), under=access.own, drift=drift)
        with undo_if_household_left(self.couchdb, account):
            self._store(account, pce, replace(billing, refused=" ".join(refused)), periods)
        self._counts["meters"] += 1
        if problem:
            raise problem

    def _with_facts(
        self, client: AdictHook, billing: Billing, terms: Terms, refused: list[str], *, account: str, pce: str
    ) -> Billing:
        """Return it with contract and reading frequency, as GRDF has them now."""
        contract, frequency = billing.contract, billing.frequency
        with self._note_refusal(account, "contract data", refused):
            text = client.meter_facts(pce, "contractuelles", account=account, terms=terms)
            contract = parse_contract(text, account=account, pce=pce) or contract
        with self._note_refusal(account, "technical data of the meter", refused):
            text = client.meter_facts(pce, "techniques", account=account, terms=terms)
            frequency = parse_frequency(text, account=account, pce=pce) or frequency
        return replace(billing, contract=contract, frequency=frequency)

    def _store(self, account: str, pce: str, billing: Billing, periods: list[Read]) -> None:
        """Store what the account may hold by now; ``AccountLeaving`` or ``BadAccount`` if the household has left."""
        document = self.accounts.read_document(account)
        check_not_leaving(document)
        access = next(
            (each for each in self.ledger.read_account(document).meters if each.pce == pce), MeterAccess(pce=pce)
        )
        billing = billing if access.is_open else Billing(billing.read_at)
        daily = silent_after(billing.frequency) is not None
        stored = store_periods(self.couchdb, account, pce, access.days, periods, daily=daily)
        billing = replace(billing, until=stored.until)
        self.accounts.update_if_staying(account, lambda found: Status.with_billing(found, pce, billing), known=document)
        self._counts += stored.counts
        self.log.info(
            "Account %s, meter %s: billing periods: %s%s.",
            account, meter_tag(account, pce), dict(stored.counts) or "as before",
            "" if daily else f"; its months and years are made of them, as GRDF has no days ({billing.frequency})",
        )  # fmt: skip

    @contextmanager
    def _note_refusal(self, account: str, what: str, refused: list[str]) -> Iterator[None]:
        """Note what GRDF refuses. What concerns more than this meter is raised."""
        try:
            yield
        except (CredentialsRefused, BadSettings, BadAccount):
            raise
        except RightTooNarrow:  # the household's choice
            refused.append(f"The household's consent does not include the {what}.")
            self.log.info("Account %s: %s", account, refused[-1])
        except FailNow as error:
            refused.append(str(error))
            self.log.warning("%s", error)
