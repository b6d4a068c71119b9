"""Re-reading a range of the past: the list of accounts, one call per meter for each account, and the summary."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf

from grdf.airflow.announcing import announce
from grdf.airflow.tasks.run import Run
from grdf.ledger.doubt import weigh
from grdf.meters.asking import ReadAnswer, booked, read_meter
from grdf.meters.judging import Problems
from grdf.meters.saving import Loaded, note_read, store_answer, undone_if_left
from grdf.operators.base import AccountOperator, GrdfOperator
from grdf.quota.governor import Governor, governor_for
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.client import DEFAULT, client_if_known
from include.gas.days.asked_days import askable
from include.gas.days.gas_day import paris_today
from include.gas.days.past_range import asked_range
from include.gas.days.windows import Window
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import id_range, open_days
from include.gas.errors import ODD_DOCUMENT, BadAccount, BadRequest, FailNow, GasError, what_is_odd
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.rights.meter_rights import Held

COUNTS = ("calls", "new", "corrected", "confirmed", "unchanged", "absent", "refused")
"""The counts of a re-read: calls to GRDF, then days."""


class PlanHistoryOperator(GrdfOperator):
    """Checks the form, and lists the accounts to read, with one mapped task each."""

    def perform(self, context: Context) -> list[str]:
        """Run the task.

        :return: account ids, in order
        :raises BadRequest: if the form is not filled in correctly, or there are more accounts than Airflow can map
        """
        run = Run.of(context)
        window = asked_range(run.params["from"], run.params["to"])
        wanted = run.named_accounts("Nothing was read. Enter account ids, or none for all.")
        listed = self._listed()
        accounts = wanted or [*listed]
        _stop_if_too_many(len(accounts))
        chosen = set(accounts)
        what = f"{len(accounts)} account(s) are read from {window.first} to {window.last}, one call per meter."
        clients, failures = self.clients(), list[GasError]()
        for client in clients:
            alone = len(clients) == 1
            mine = {account: meters for account, (meters, of) in listed.items() if alone or of == client.grdf_conn_id}
            calls = len(accounts) if alone else len(chosen & mine.keys())
            try:
                self._governor(client).expect(sum(mine.values()))
                limit = (
                    "GRDF's quota this takes" if alone else f"the quota of {client.grdf_conn_id} {calls} of them take"
                )
                self.log.info("%s With %s until %s at least.", what, limit, self._governor(client).earliest_end(calls))
            except GasError as error:  # those of the others can be read
                self.log.warning("%s", error)
                failures.append(error)
        if len(failures) == len(clients):
            raise failures[0]
        return accounts

    def _governor(self, client: AdictHook) -> Governor:
        return governor_for(client.oauth.facts)

    def _listed(self) -> dict[str, tuple[int, str]]:
        """Return the accounts that can be read, with their number of meters and the connection of their client."""
        from grdf.airflow.account_list import with_dag

        found: dict[str, tuple[int, str]] = {}
        for document in self.accounts.every_of_ours():
            if with_dag(document):
                try:
                    account = Account.from_document(document)
                    found[account.id] = len(account.meters), client_if_known(document) or DEFAULT
                except (BadAccount, *ODD_DOCUMENT) as error:
                    self.log.error(
                        "Account %s is left out of a re-read of all accounts: %s", document["_id"], what_is_odd(error)
                    )
        return found


def _stop_if_too_many(accounts: int) -> None:
    """Raise an error before Airflow fails this task without a word about accounts."""
    most = conf.getint("core", "max_map_length", fallback=1024)
    if accounts > most:
        raise BadRequest.about(
            None,
            f"{accounts} accounts are more than the {most} tasks that Airflow may make of one ([core] max_map_length)",
            f"Nothing was read. Enter at most {most} account ids in each run, or raise the setting everywhere Airflow "
            "runs (AIRFLOW__CORE__MAX_MAP_LENGTH).",
        )


class ReadHistoryOperator(AccountOperator):
    """Reads a range of one account again and stores it. It is safe to repeat: what is stored is not written again.

    Days of the range that cannot be requested are left out, and the log says why: they are in the future, older than
    GRDF keeps, or outside the household's consent. Days stored as definitive are not requested unless the form says so.
    ``client`` is the hook for the account's client, from the moment on at which its document was read.

    ``unasked`` says, once it was executed, why meters were not asked for at all.
    """

    template_fields: Sequence[str] = ("account_id",)
    client: AdictHook
    unasked: list[str]

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account, counts of days (new, corrected, unchanged, absent, refused), and what changed
        :raises GasError: if a meter could not be read; the data of the others is stored
        """
        run = Run.of(context)
        asked = asked_range(run.params["from"], run.params["to"])
        document = self.accounts.document(self.account_id)
        account = self.ledger.account(document)
        stop_if_leaving(account)
        self.unasked = []
        self.client = self.adict.of(document)
        definitive = run.params["include_definitive"] is True
        left = [
            (meter, windows) for meter in account.meters
            if (windows := self._windows(account, meter, asked, include_definitive=definitive))
        ]  # fmt: skip
        counts, problems, loads = dict.fromkeys(COUNTS, 0), Problems(account), list[Loaded]()
        calls = sum(len(windows) for _, windows in left)
        with (
            undone_if_left(self.couchdb, account.id),
            booked(self.client, f"{account.id}:history {run.id}", calls, "history") as terms,
        ):
            try:
                for meter, windows in left:
                    read = read_meter(self.client, account.id, meter, windows, terms=terms)
                    counts["calls"] += max(len(read.answers), len(windows))
                    counts["refused"] += len(read.problems)
                    problems.add(weigh(read.problems, self.ledger, self.client, account.id, meter.pce, terms))
                    loads += self._store(document, meter.pce, read.answers)
            finally:  # what was read is stored, also if the next meter has to wait
                self._note(loads)
        _count(loads, counts)
        problems.judge(run, self.accounts)
        if problems.all:
            raise problems.all[0]
        if not account.meters:
            self.unasked.append("its meters are not known yet; its own DAG must run first")
            self.log.info("Account %s: its meters are not known yet; its own DAG must run first.", account.id)
        return {"account": account.id, **counts, "changes": Changes.of(each.report for each in loads).as_json()}

    def _store(self, document: dict[str, Any], pce: str, answers: Iterable[ReadAnswer]) -> list[Loaded]:
        """Store what was read of a meter, as far as the account may hold it now."""
        held = {each.pce: each for each in self.ledger.held(document)}[pce]
        return [store_answer(self.couchdb, self.account_id, *answer, held, document, self.log) for answer in answers]

    def _note(self, loads: Sequence[Loaded]) -> None:
        def change(document: dict[str, Any]) -> dict[str, Any]:
            stop_if_leaving(Account.from_document(document))
            return note_read(document, loads)

        if loads:
            self.accounts.update(self.account_id, change)

    def _windows(self, account: Account, meter: Held, asked: Window, *, include_definitive: bool) -> tuple[Window, ...]:
        """Return what is left to ask for, one window for each stretch that the account's rights cover."""
        today, tag = paris_today(datetime.now(UTC)), meter_tag(account.id, meter.pce)
        if not meter.is_open:
            state = f"{meter.word}, {meter.day}" if meter.day else meter.word
            return self._leave_out(tag, f"it may not be read now (its right: {state})")
        found = askable(asked, today=today, consent_first=meter.opens, consent_end=meter.closes)
        for reason in found.reasons:
            self.log.warning("Account %s, meter %s: %s.", account.id, tag, reason)
        windows = meter.covered(found.window) if found.window else ()
        if not windows:
            reasons = found.reasons or ("the household's consent covers none of them",)
            return self._leave_out(tag, f"no day of the range is left to ask for ({'; '.join(reasons)})")
        if include_definitive:
            return windows
        stored = self.couchdb.range(DAY, *id_range(account.id, meter.pce, windows[0].first, windows[-1].end))
        rest = tuple(left for window in windows if (left := open_days(window, stored)))
        if not rest:
            days = sum(len(window) for window in windows)
            why = f"all {days} days that can be asked for are stored as definitive"
            return self._leave_out(tag, why, level=logging.INFO)
        return rest

    def _leave_out(self, tag: str, why: str, level: int = logging.WARNING) -> tuple[Window, ...]:
        self.unasked.append(f"meter {tag}: {why}")
        self.log.log(level, "Account %s, meter %s: GRDF is not asked: %s.", self.account_id, tag, why)
        return ()


def _count(loads: Sequence[Loaded], counts: dict[str, int]) -> None:
    for loaded in loads:
        found = loaded.report.counts() | {"absent": len(loaded.lines.absent)}
        for name in counts.keys() & found.keys():
            counts[name] += found[name]


class AnnounceHistoryOperator(GrdfOperator):
    """Announces the changes of all mapped tasks, because two tasks that end at once could not do it themselves.

    See ``grdf.airflow.announcing``. It also runs if some of the mapped tasks have failed.

    :param results: the mapped tasks' return values (templated)
    """

    template_fields: Sequence[str] = ("results",)

    def __init__(self, *, results: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.results = results

    def perform(self, context: Context) -> int:
        """Run the task.

        :return: the number of accounts for which something changed
        """
        changed = 0
        for result in self.results or []:
            changes = Changes.from_json((result or {}).get("changes"))
            announce(context, self.outlets or (), (result or {}).get("account", ""), changes)
            changed += bool(changes)
        self.log.info("Changes of %d account(s) are announced.", changed)
        return changed


class SummariseHistoryOperator(GrdfOperator):
    """Adds up the results of the mapped tasks.

    It also runs if some of them have failed, and then fails itself, so that the run does not count as a success.

    :param planned: ids of the accounts that were to be read (templated)
    :param results: the mapped tasks' return values (templated)
    """

    template_fields: Sequence[str] = ("planned", "results")

    def __init__(self, *, planned: Any, results: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned = planned
        self.results = results

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: counts over all accounts that could be read
        :raises FailNow: after the summary, if some could not
        """
        results: list[dict[str, Any]] = [result for result in self.results or [] if result]
        # In the order of COUNTS: PostgreSQL stores return values with the keys in an order of its own.
        total = {"accounts": len(results), **{name: sum(each.get(name, 0) for each in results) for name in COUNTS}}
        self.log.info("%s", ", ".join(f"{number} {name}" for name, number in total.items()))
        if self.planned is None:
            raise FailNow.about(None, "nothing was read", "See the log of the task plan.")
        unread = sorted(set(self.planned) - {result["account"] for result in results})
        if unread:
            raise FailNow.about(
                None,
                f"{len(unread)} of {len(self.planned)} accounts could not be read: {', '.join(unread[:20])}",
                "See the failed tasks of this run; clear them once the problems in their logs are fixed.",
            )
        return total
