"""Loading into CouchDB: gas days, then the totals that change with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf.airflow.announcing import announce_changes
from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import StoredAnswer, record_stored_days, store_answer, undo_if_household_left
from grdf.metrics import count_stored_days
from grdf.operators.base import AccountRunOperator
from grdf.staging.staged_answers import AnswersGone, StagedAnswer
from include.gas.account.account import check_not_leaving
from include.gas.account.client import client_or_empty
from include.gas.answers.consumption.daily import parse_daily
from include.gas.days.gas_day import ONE_DAY, paris_today, utc_text
from include.gas.days.windows import Window
from include.gas.documents.changes import Changes
from include.gas.documents.disallowed_days import find_disallowed_days
from include.gas.errors import FailNow
from include.gas.rights.meter_rights import MeterAccess

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context


class LoadOperator(AccountRunOperator):
    """Stores what ``extract`` has staged, and replaces the totals in progress.

    Only allowed days are stored, and disallowed ones after the first of these are removed, also of meters that are not
    read. Safe to repeat, to interrupt and to run twice at once.
    """

    template_fields: Sequence[str] = ("account_id", "staged")

    def __init__(self, *, staged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.staged = staged
        self._before: dict[str, Any] = {}
        self._loads: list[StoredAnswer] = []

    def perform(self, context: Context) -> dict[str, Any]:
        """Return counts and the changed days; ``FailNow``, after loading, if ``extract`` met a problem for a person."""
        run, staged = Run.from_context(context), self.staged or {}
        problems: list[str] = staged.get("problems") or []
        forget = partial(self.staging.remove, self.account_id, run.id) if staged.get("answers") else None
        with undo_if_household_left(self.couchdb, self.account_id, forget):
            self._before = self.accounts.read_document(self.account_id)
            check_not_leaving(self._before)
            account = self.ledger.read_account(self._before)
            access = {meter.pce: meter for meter in account.meters}
            answers = self._read_staged(run) if staged.get("answers") else []
            self._loads = [self._store(access[answer.pce], answer) for answer in answers if answer.pce in access]
            self._loads += self._remove_disallowed_days(account.meters)
            record_stored_days(self.accounts, self._before, self._loads, None if problems else account.meters)
        changes, counts = Changes.sum_of(loaded.report for loaded in self._loads), self._counts()
        count_stored_days(client_or_empty(self._before), counts)
        announce_changes(context, self, self.account_id, changes)
        if forget:
            forget()
        if problems:
            raise FailNow.about(
                cause="what GRDF returned is stored, but not everything could be read: " + " ".join(problems),
                account=self.account_id,
                next_step="The next run asks for the same days again.",
            )
        return {"account": self.account_id, **counts, **({"changes": changes.as_json()} if changes else {})}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Return what OpenLineage gets: what was stored, and from where."""
        from grdf.airflow.lineage import lineage_of

        loads, couchdb = [each for each in self._loads if each.answer.body], self.couchdb
        if not loads:
            return None
        return lineage_of(
            self.adict.for_account(self._before).oauth.facts.api_base,
            [each.answer for each in loads],
            sum(each.lines.counts["lines"] for each in loads),
            server=couchdb.facts.url, prefix=couchdb.facts.prefix, counts=self._counts(),
        )  # fmt: skip

    def _counts(self) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for loaded in self._loads:
            counts.update(loaded.report.counts())
        return counts

    def _read_staged(self, run: Run) -> list[StagedAnswer]:
        """Return what the run has staged; ``AnswersGone`` unless an earlier try may have stored it."""
        try:
            return self.staging.get(self.account_id, run.id)
        except AnswersGone:
            if run.try_number == 1:
                raise
            self.log.info("Account %s: an earlier try of this run has stored its answers.", self.account_id)
            return []

    def _store(self, access: MeterAccess, answer: StagedAnswer) -> StoredAnswer:
        lines = parse_daily(answer.body, account=self.account_id, pce=answer.pce, window=answer.window)
        return store_answer(self.couchdb, self._before, access, answer, lines, self.ledger.prices, self.log)

    def _remove_disallowed_days(self, meters: Iterable[MeterAccess]) -> Iterator[StoredAnswer]:
        now = datetime.now(UTC)
        for meter in meters:
            if days := find_disallowed_days(self.couchdb, self.account_id, meter.pce, meter.days, paris_today(now)):
                access = {each.pce: each for each in self.ledger.access_of(self._before)}  # a right may have come since
                nothing = StagedAnswer(meter.pce, Window(min(days), max(days) + ONE_DAY), utc_text(now), "")
                yield self._store(access[meter.pce], nothing)
