"""Loading into CouchDB: gas days, then the month and year totals that change with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf.airflow.announcing import announce
from grdf.airflow.tasks.run import Run
from grdf.meters.asking import parse
from grdf.meters.saving import Loaded, note_read, store_answer, undone_if_left
from grdf.metrics.telling import tell_load
from grdf.operators.base import AccountOperator
from grdf.staging.area import AnswersGone, StagedAnswer, Staging
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.account_state import with_rights_state
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.foreign_days import foreign_days
from include.gas.errors import FailNow
from include.gas.rights.meter_rights import Held

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context


class LoadOperator(AccountOperator):
    """Stores what ``extract`` has staged, and replaces the totals in progress.

    Each month and year with a changed day is computed again from the stored days, and replaces its old document. Only
    days are stored that the account may hold by the ledger. Stored days after the first of these that it may not hold
    are removed, also of meters that are not read any more. The task is safe to repeat, to interrupt and to run twice at
    once. The staged answers are removed once they are stored.

    :param staged: the return value of ``extract`` (templated)
    """

    template_fields: Sequence[str] = ("account_id", "staged")

    def __init__(self, *, staged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.staged = staged
        self._held: dict[str, Held] = {}
        self._before: dict[str, Any] = {}
        self._stored: tuple[list[StagedAnswer], dict[str, int]] | None = None

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account; how many days were new, corrected and unchanged; how many totals were replaced; and which
            days changed
        :raises FailNow: after loading, if ``extract`` met something that a person must know
        """
        staged: dict[str, Any] = self.staged or {}
        staging, reference = self.staging, staged.get("reference")
        self._read_account(staging, reference)
        answers = [each for each in self._staged(Run.of(context), staging, reference) if each.pce in self._held]
        loads = [*(self._store(answer) for answer in answers), *self._tidied()]
        counts: Counter[str] = Counter()
        for loaded in loads:
            counts.update(loaded.report.counts())
        self._stored = answers, counts
        tell_load(client_if_known(self._before), counts)
        problems: list[str] = [*(staged.get("problems") or [])]

        def forget() -> None:
            if reference:
                staging.remove(self.account_id, reference)

        with undone_if_left(self.couchdb, self.account_id, forget):
            self._note(loads, is_read=not problems)
        forget()
        if problems:
            raise FailNow.about(
                cause="what GRDF returned is stored, but not everything could be read: " + " ".join(problems),
                account=self.account_id,
                next_step="The next run asks for the same days again.",
            )
        changes = Changes.of(loaded.report for loaded in loads)
        announce(context, self.outlets or (), self.account_id, changes)
        return {"account": self.account_id, **counts, **({"changes": changes.as_json()} if changes else {})}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return what OpenLineage is told (Airflow doc, custom operators): what was stored, and of what."""
        from grdf.airflow.lineage import Asked, Stored, lineage_of

        if self._stored is None:  # it failed before
            return lineage_of(None, None)
        answers, counts = self._stored
        asked = Asked.of(self.adict.of(self._before).oauth.facts.api_base, answers)
        return lineage_of(asked, Stored(self.couchdb.facts.url, self.couchdb.prefix, counts))

    def _staged(self, run: Run, staging: Staging, reference: str | None) -> list[StagedAnswer]:
        """Return what the run has staged.

        :raises AnswersGone: if it is gone, unless an earlier try of this task may have stored it
        """
        try:
            return staging.get(self.account_id, reference) if reference else []
        except AnswersGone:
            if run.try_number == 1:
                raise
            self.log.info("Account %s: an earlier try of this run has stored its answers.", self.account_id)
            return []

    def _read_account(self, staging: Staging, reference: str | None) -> None:
        document = self.couchdb.get(ACCOUNT, self.account_id)
        if reference and (document is None or leaving(document)):
            staging.remove(self.account_id, reference)
        self._before = document or self.accounts.document(self.account_id)
        account = self.ledger.account(self._before)
        stop_if_leaving(account)
        self._held = {meter.pce: meter for meter in account.meters}

    def _store(self, answer: StagedAnswer) -> Loaded:
        read = parse(self.account_id, answer)
        return store_answer(self.couchdb, self.account_id, read, self._held[answer.pce], self._before, self.log)

    def _tidied(self) -> list[Loaded]:
        """Remove days that the account may not hold, of whatever year and meter."""
        loads, today = [], paris_today(datetime.now(UTC))
        for held in list(self._held.values()):
            if days := foreign_days(self.couchdb, self.account_id, held.pce, held.days, today):
                self._held |= {each.pce: each for each in self.ledger.held(self._before)}  # a right may have come since
                first, end = min(days), max(days) + timedelta(days=1)
                nothing = StagedAnswer(held.pce, str(first), str(end), utc_text(datetime.now(UTC)), "")
                loads.append(self._store(nothing))
        return loads

    def _note(self, loads: Sequence[Loaded], *, is_read: bool) -> None:
        """Write to the account what is stored now, and that there is no problem. If it says so already, do not.

        :raises AccountLeaving, BadAccount: if the household has left in the meantime
        """

        def change(document: dict[str, Any]) -> dict[str, Any]:
            stop_if_leaving(Account.from_document(document))
            document = note_read(document, loads)
            if not is_read:
                return document
            return with_rights_state(document, list(self._held.values()), datetime.now(UTC), is_read=True)

        if loads:
            self.accounts.update(self.account_id, change, known=self._before)
