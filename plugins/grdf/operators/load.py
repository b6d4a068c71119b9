"""Loading into CouchDB: gas days, then the month and year totals that change with them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf.airflow.announcing import announce
from grdf.airflow.tasks.run import Run
from grdf.meters.asking import parse
from grdf.meters.notes import all_stored
from grdf.meters.saving import Loaded, acknowledge, store_answer, undone_if_left
from grdf.metrics.telling import tell_load
from grdf.operators.base import AccountOperator
from grdf.staging.area import AnswersGone, StagedAnswer, Staging
from include.gas.account.account import stop_if_leaving
from include.gas.account.account_state import with_rights_state
from include.gas.account.sections.announcements import announced_by, unannounced, with_announced, with_unannounced
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.stored import is_told, with_stored
from include.gas.account.sections.whole_history import HistoryRead
from include.gas.days.gas_day import utc_text
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.foreign_days import foreign_days
from include.gas.documents.load_report import LoadReport
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import FailNow, GasError
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
    :param announces: whether its task announces to other DAGs what changed. If not, the account's next load that does
        also announces these changes
    """

    template_fields: Sequence[str] = ("account_id", "staged")

    def __init__(self, *, staged: Any, announces: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.staged = staged
        self.announces = announces
        self._held: dict[str, Held] = {}
        self._untold: list[str] = []
        self._first_launch: list[str] = []
        self._before: dict[str, Any] | None = None
        self._stored: tuple[list[StagedAnswer], dict[str, int]] | None = None

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the account; how many days were new, corrected and unchanged; how many totals were replaced; and which
            days changed
        :raises FailNow: after loading, if ``extract`` met something that a person must know
        """
        began = time.monotonic()
        staged: dict[str, Any] = self.staged or {}
        staging = self.staging
        reference = staged.get("reference")
        self._read_account(staging, reference)
        try:
            answers = staging.get(self.account_id, reference) if reference else []
        except AnswersGone as error:
            return self._announce_again(context, error)
        answers = [answer for answer in answers if answer.pce in self._held]
        former = self._finish_former(staging, reference, answers)
        loads = [*(self._store(answer) for answer in answers), *self._tidied({answer.pce for answer in answers})]
        counts: Counter[str] = Counter()
        for loaded in loads:
            counts.update(loaded.report.counts())
        self._stored = answers, counts
        tell_load(client_if_known(self._before or {}), counts, self.couchdb.requests_sent, time.monotonic() - began)
        problems: list[str] = [*(staged.get("problems") or [])]
        changes = Changes.of([*former, *(loaded.report for loaded in loads)])

        def forget() -> None:
            if reference:
                staging.remove(self.account_id, reference)

        with undone_if_left(self.couchdb, self.account_id, forget):
            changes = self._acknowledge(loads, changes, None if problems else Run.of(context).id)
        forget()
        if problems:
            raise FailNow.about(
                cause="what GRDF returned is stored, but not everything could be read: " + " ".join(problems),
                account=self.account_id,
                next_step="The next run asks for the same days again.",
            )
        announce(context, self.outlets or (), self.account_id, changes)
        return {"account": self.account_id, **counts, **({"changes": changes.as_json()} if changes else {})}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return what OpenLineage is told (Airflow doc, custom operators): what was stored, and of what."""
        from grdf.airflow.lineage import Asked, Stored, lineage_of

        if self._stored is None:  # it failed before
            return lineage_of(None, None)
        answers, counts = self._stored
        asked = Asked.of(self.adict.of(self._before or {}).oauth.facts.api_base, answers)
        return lineage_of(asked, Stored(self.couchdb.get_conn().server_url, self.couchdb.prefix, counts))

    def _announce_again(self, context: Context, gone: AnswersGone) -> dict[str, Any]:
        """Succeed if an earlier try of this run has stored the answers and Airflow did not learn of it."""
        told = announced_by(self.accounts.document(self.account_id), Run.of(context).id)
        if not told:
            raise gone
        self.log.info(
            "Account %s: an earlier try of this run has stored its answers; Airflow is notified again.", self.account_id
        )
        announce(context, self.outlets or (), self.account_id, told)
        return {"account": self.account_id, "changes": told.as_json()}

    def _finish_former(self, staging: Staging, reference: str | None, ours: Sequence[StagedAnswer]) -> list[LoadReport]:
        """Store again what runs that died have left in staging.

        Such a run may have stored days without their totals, in a year that no later run looks at. Its answers are
        older than ours, which are stored after them and therefore take precedence. They are kept for a day, because
        they may belong to a run that is still in progress.
        """
        reports: list[LoadReport] = []
        newest = max((answer.read_at for answer in ours), default="9999")
        a_day_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        for former in staging.unfinished(self.account_id, reference):
            staged = self._left_behind(staging, former)
            answers = [answer for answer in staged if answer.pce in self._held and answer.read_at < newest]
            if not answers:
                continue
            self.log.info(
                "Account %s: an earlier run did not finish storing; its answers are stored first.", self.account_id
            )
            reports += [self._store(answer).report for answer in answers]
            if all(answer.read_at < a_day_ago for answer in answers):
                staging.remove(self.account_id, former)
        return reports

    def _left_behind(self, staging: Staging, reference: str) -> list[StagedAnswer]:
        """Return what a former run has staged. If it cannot be read, this run's answers are stored all the same."""
        try:
            return staging.get(self.account_id, reference)
        except AnswersGone:
            return []  # its own run has just loaded it
        except GasError as error:
            self.log.warning("Answers of an earlier run are left for the next load: %s", error)
            return []

    def _read_account(self, staging: Staging, reference: str | None) -> None:
        document = self.couchdb.get(ACCOUNT, self.account_id)
        if reference and (document is None or leaving(document)):
            staging.remove(self.account_id, reference)
        account = self.ledger.account(document) if document else self.accounts.account(self.account_id)
        stop_if_leaving(account)
        self._before = document
        self._held = {meter.pce: meter for meter in account.meters}
        self._untold = [meter.pce for meter in account.meters if document and not is_told(document, meter.pce)]
        self._first_launch = [pce for pce in self._untold if not HistoryRead.holds(document or {}, pce)]

    def _store(self, answer: StagedAnswer) -> Loaded:
        read = parse(self.account_id, answer)
        return store_answer(self.couchdb, self.account_id, read, self._held[answer.pce], self._before or {}, self.log)

    def _tidied(self, stored: set[str]) -> list[Loaded]:
        """Remove days that the account may not hold from meters of which nothing was staged.

        :param stored: the meters of which something was
        """
        loads = []
        for held in self._held.values():
            days = foreign_days(self.couchdb, self.account_id, held.pce, held.days) if held.pce not in stored else []
            if days:
                first, end = min(days), max(days) + timedelta(days=1)
                nothing = StagedAnswer(held.pce, str(first), str(end), utc_text(datetime.now(UTC)), "")
                loads.append(self._store(nothing))
        return loads

    def _acknowledge(self, loads: Sequence[Loaded], changes: Changes, run: str | None) -> Changes:
        """Record on the account that a history is read, which days are missing, and that there is no problem.

        There is still a problem while the consent of a meter is lost, even of one that was just loaded.

        Nothing is written if all this is already recorded. Return the changes to announce, including those of former
        runs that stored a part and then failed, because Airflow accepts events from successful tasks only.

        :param run: id of the run that announces them; ``None`` if it will fail, so that the next run has to
        """
        if not loads:
            return changes
        before = Changes()
        untold = self._all_stored()

        def note(document: dict[str, Any]) -> dict[str, Any]:
            for pce, years in untold.items():
                document = with_stored(document, pce, None, years)
            nonlocal before
            if run is None or not self.announces:
                document = with_unannounced(document, changes)
            else:
                before = unannounced(document)
                document = with_announced(document, before + changes, run)
            if run is None:
                return document
            return with_rights_state(document, list(self._held.values()), datetime.now(UTC), is_read=True)

        acknowledge(
            self.accounts, self.account_id, loads, self.log,
            before=self._before or {}, held=self._held, first_launch=self._first_launch,
            note=note,
        )  # fmt: skip
        return before + changes if before else changes

    def _all_stored(self) -> dict[str, dict[int, StoredYear]]:
        """Count the stored days of meters that were read before but have no such record on the account."""
        pces = [pce for pce in self._untold if pce not in self._first_launch]
        read = {pce: all_stored(self.couchdb, self.account_id, pce, self.log) for pce in pces}
        return {pce: years for pce, years in read.items() if years is not None}
