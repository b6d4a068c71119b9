"""Re-reading a range of the past: list of accounts, one call per meter, summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.airflow.announcing import announce_changes
from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import StoredAnswer, record_stored_days, store_answer, undo_if_household_left
from grdf.meters.meter_requests import MeterRead, MeterRequest, handle_problems, read_meters, unsettled_windows
from grdf.operators.base import AccountRunOperator, GrdfOperator
from grdf.operators.each_account import EachAccount
from grdf.quota.governor import governor_for
from include.gas.account.account import Account, check_not_leaving
from include.gas.account.client import DEFAULT, client_or_empty
from include.gas.account.marks import leaving_asker
from include.gas.days.gas_day import paris_today
from include.gas.days.past_range import askable_part, parse_range
from include.gas.days.windows import Window
from include.gas.documents.changes import Changes
from include.gas.errors import BadAccount, GasError
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.rights.meter_rights import MeterAccess

COUNTS = ("calls", "new", "corrected", "confirmed", "unchanged", "absent")
"""The counts of a re-read: answers of GRDF, then days."""


class PlanHistoryOperator(GrdfOperator):
    """Checks the form, and lists the accounts to read, with one mapped task each."""

    def perform(self, context: Context) -> list[str]:
        """Return account ids, in order; ``BadRequest`` if the form is wrong."""
        run = Run.from_context(context)
        window = parse_range(run.params["from"], run.params["to"])
        wanted = run.named_accounts("Nothing was read. Enter account ids, or none for all.")
        listed = self._readable_accounts()
        accounts = wanted or [*listed]
        self.log.info("%d account(s) are read for %s, one call per meter.", len(accounts), window)
        failures = list[GasError]()
        clients = self.clients()
        for client in clients:
            name = client.grdf_conn_id
            meters = {each: number for each, (number, of) in listed.items() if of == name}
            try:
                governor = governor_for(client.oauth.facts)
                governor.set_daily_need(sum(meters.values()))
                calls = len(meters.keys() & {*accounts})
                self.log.info("Those of %s take until %s at least.", name, governor.earliest_end(calls))
            except GasError as error:  # those of the others can be read
                self.log.warning("%s", error)
                failures.append(error)
        if len(failures) == len(clients):
            raise failures[0]
        return accounts

    def _readable_accounts(self) -> dict[str, tuple[int, str]]:
        from grdf.airflow.account_list import id_if_listed

        readable: dict[str, tuple[int, str]] = {}
        each_account = EachAccount(self.log)  # of its own: a plan that fails would keep all from being read
        for document in self.accounts.our_documents():
            name = id_if_listed(document)
            if name is None or leaving_asker(document) is not None:
                continue
            client = client_or_empty(document) or DEFAULT
            readable[name] = 1, client  # an account that meets a bug here meets it again in its own task, which is red
            with each_account.serve(name):
                try:
                    readable[name] = len(Account.from_document(document).meters), client
                except BadAccount as error:
                    del readable[name]
                    self.log.error("Account %s is left out of a re-read of all accounts: %s", name, error)
        return readable


class ReadHistoryOperator(AccountRunOperator):
    """Reads a range of one account again and stores it. It may be repeated.

    Days that cannot be requested (future, too old, outside the right) are left out with a reason in the log. Definitive
    days are requested only if the form says so.
    """

    template_fields: Sequence[str] = ("account_id",)

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts of days, what changed, and why not; ``GasError`` if a meter could not be read."""
        run = Run.from_context(context)
        window = parse_range(run.params["from"], run.params["to"])
        document = self.accounts.read_document(self.account_id)
        check_not_leaving(document)
        account = self.ledger.read_account(document)
        unasked = list[str]()
        definitive = run.params["include_definitive"] is True
        asked = [
            MeterRequest(access, windows) for access in account.meters
            if (windows := self._windows(access, window, unasked, include_definitive=definitive))
        ]  # fmt: skip
        reads, loads = list[MeterRead](), list[StoredAnswer]()
        with undo_if_household_left(self.couchdb, account.id):
            try:
                for read in read_meters(
                    self.adict.for_account(document), self.ledger, account.id, asked, run, "history"
                ):
                    reads.append(read)
                    access = {each.pce: each for each in self.ledger.access_of(document)}[read.pce]  # as it is by now
                    for answer, lines in read.answers:
                        loads.append(
                            store_answer(self.couchdb, document, access, answer, lines, self.ledger.prices, self.log)
                        )
            finally:  # what was read is stored, even if the next meter has to wait
                record_stored_days(self.accounts, document, loads)
        if problems := handle_problems(run, self.accounts, account, reads):
            raise problems[0]
        if not account.meters:
            unasked.append("its meters are not known yet; its own DAG must run first")
            self.log.info("Account %s: its meters are not known yet; its own DAG must run first.", account.id)
        counts = Counter(calls=len(loads), absent=sum(len(each.lines.absent) for each in loads))
        for loaded in loads:
            counts.update(loaded.report.counts())
        changes = Changes.sum_of(each.report for each in loads).as_json()
        return {
            "account": account.id,
            **{name: counts[name] for name in COUNTS},
            "changes": changes,
            "unasked": unasked,
        }

    def _windows(
        self, access: MeterAccess, asked: Window, unasked: list[str], *, include_definitive: bool
    ) -> tuple[Window, ...]:
        """Return what is left to ask for, one window per stretch of the rights."""
        account, tag, today = self.account_id, meter_tag(self.account_id, access.pce), paris_today(datetime.now(UTC))
        window, reasons = askable_part(asked, today=today, right_first=access.first_day, right_end=access.end_day)
        for reason in reasons:
            self.log.warning("Account %s, meter %s: %s.", account, tag, reason)
        windows = access.allowed_parts(window) if window and access.is_open_daily else ()
        left = windows
        if windows and not include_definitive:
            left = unsettled_windows(self.couchdb, account, access.pce, windows)
        if left:
            return left
        why = f"all {sum(map(len, windows))} days that can be asked for are stored as definitive"
        if not access.is_open:
            why = f"it may not be read now (its right: {access.word}{f', {access.day}' if access.day else ''})"
        elif access.role.is_injection:
            why = "it injects gas, which grdf_published reads"
        elif not windows:
            reasons = reasons or ["the household's consent covers none of them"]
            why = f"no day of the range is left to ask for ({'; '.join(reasons)})"
        unasked.append(f"meter {tag}: {why}")
        self.log.info("Account %s, meter %s: GRDF is not asked: %s.", account, tag, why)
        return ()


class AnnounceHistoryOperator(GrdfOperator):
    """Announces the changes of all mapped tasks (two that end at once could not), and names unreadable accounts."""

    template_fields: Sequence[str] = ("planned", "results")

    def __init__(self, *, planned: Any, results: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned = planned
        self.results = results

    def perform(self, context: Context) -> dict[str, int]:
        """Return counts over all accounts that could be read."""
        results: list[dict[str, Any]] = [result for result in self.results or [] if result]
        for result in results:
            announce_changes(context, self, result["account"], Changes.from_json(result["changes"]))
        # In the order of COUNTS: PostgreSQL stores return values with keys in its own order.
        total = {"accounts": len(results), **{name: sum(each[name] for each in results) for name in COUNTS}}
        self.log.info("%s", ", ".join(f"{number} {name}" for name, number in total.items()))
        planned = self.planned or []
        if unread := sorted(set(planned) - {result["account"] for result in results}):
            self.log.error(
                "%d of %d accounts could not be read: %s. See the failed tasks of this run, and clear them once the "
                "problems in their logs are fixed.",
                len(unread), len(planned), ", ".join(unread[:20]),
            )  # fmt: skip
        return total
