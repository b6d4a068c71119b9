"""CouchDB load: gas days, then the month and year totals that they change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.operators.base import AccountOperator
from grdf.staging import StagedAnswer, Staging
from include.gas.accounts import Account, with_history, with_state
from include.gas.errors import FailNow
from include.gas.lines import read_answer
from include.gas.load import LoadReport, load_answer

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadOperator(AccountOperator):
    """Store what ``extract`` has staged, and reset the in-progress totals: each month and year that a day belongs to
    is computed anew from the stored days and replaces its old document.

    Safe to repeat, to interrupt and to run twice at once. The staged answers are removed once they are stored.

    :param staged: what ``extract`` returned (templated)
    """

    template_fields: Sequence[str] = ("account_id", "staged")

    def __init__(self, *, staged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.staged = staged

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step.

        :param context: Airflow's task context
        :return: the account and how many days were new, corrected and unchanged, and how many totals were replaced
        :raises FailNow: after loading, when ``extract`` met something that a person must know
        """
        account = self.accounts.account(self.account_id)  # an account deleted meanwhile gets no new documents
        staged: dict[str, Any] = self.staged or {}
        staging = Staging(settings.staging_url(), settings.staging_conn_id())
        reference = staged.get("reference")
        answers = staging.get(self.account_id, reference) if reference else []
        counts: dict[str, int] = {}
        for answer in answers:
            for name, number in self._load(answer).counts().items():
                counts[name] = counts.get(name, 0) + number
        problems: list[str] = staged.get("problems") or []
        self._acknowledge(account, answers, well=not problems)
        if reference:
            staging.remove(reference)
        if problems:
            raise FailNow.about(
                cause="what GRDF gave is stored, but not all could be read: " + " ".join(problems),
                account=self.account_id,
                next_step="The next run asks for the same days again.",
            )
        return {"account": self.account_id, **counts}

    def _load(self, answer: StagedAnswer) -> LoadReport:
        lines = read_answer(answer.body, account=self.account_id, pce=answer.pce, window=answer.window)
        report = load_answer(self.couchdb, self.account_id, answer.pce, lines.readings, answer.read_at)
        done = {
            "new": report.new,
            "corrected": report.corrected,
            "made definitive": report.confirmed,
            "unchanged": report.unchanged,
            "overtaken by a later reading": report.stale,
            "absent at GRDF": len(lines.absent),
        }
        said = ", ".join(f"{number} {what}" for what, number in done.items() if number) or "none"
        self.log.info("Account %s, meter %s: days: %s (%s).", self.account_id, answer.pce, said, answer.window)
        if not report.changed:
            self.log.info("Account %s, meter %s: nothing changed.", self.account_id, answer.pce)
        for total in report.totals:
            if total.before is None:
                continue  # a period seen for the first time is no news beside the count of new days
            self.log.info(
                "Account %s, meter %s: the total of %s is now %s kWh, it was %s kWh.",
                self.account_id, answer.pce, total.id.rpartition(":")[2], total.after, total.before,
            )  # fmt: skip
        if left_out := {name: lines.counts[name] for name in ("foreign", "outside", "broken") if lines.counts[name]}:
            self.log.warning(
                "Account %s, meter %s: GRDF's answer held lines that were left out: %s. All others are stored; "
                "tell GRDF if this goes on. %s",
                self.account_id, answer.pce, left_out, "; ".join(lines.broken[:5]),
            )  # fmt: skip
        return report

    def _acknowledge(self, account: Account, answers: Sequence[StagedAnswer], *, well: bool) -> None:
        """Note on the account that a history is read and that all is well; writes nothing when that is known."""
        consents = {meter.pce: meter for meter in account.meters}
        whole = {answer.pce: answer for answer in answers if answer.history_from and answer.pce in consents}

        def change(document: dict[str, Any]) -> dict[str, Any]:
            for pce, answer in whole.items():
                first = date.fromisoformat(answer.history_from or answer.first)
                document = with_history(document, consents[pce], first, answer.read_at)
            return with_state(document, None) if well else document

        if answers:
            self.accounts.update(self.account_id, change)
