"""Looking whether the holders of contracts have accepted the rights that were declared for them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from grdf import settings
from grdf.airflow.run import Run
from grdf.airflow.waiting import waiting_for_grdf
from grdf.operators.base import GrdfOperator
from include.gas.account.account import Account
from include.gas.account.sections.declaration import Declaration
from include.gas.account.sections.list_seen import is_fresh, seen_at, with_seen
from include.gas.answers.access_rights import Rights
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.gas_days import dag_id
from include.gas.errors import BadAccount, MeterTaken
from include.gas.rights.consent_check import Listed, compared

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.documents.gas_days import Document

MOST = 1000
"""Meters in one question (ADICT 3.6)."""


class LookAtWaitingOperator(GrdfOperator):
    """Asks GRDF for the rights that wait for their holder, all accounts' in one call, and notes the answers.

    GRDF sends no notice of them. Each right is looked for every quarter of an hour for two hours, then hourly for two
    days; after that the check of consents every morning does it. If none is due, GRDF is not asked. A run that a person
    starts looks for all at once.
    """

    @waiting_for_grdf
    def execute(self, context: Context) -> list[str]:
        """Run the task.

        :return: the DAGs of accounts whose right is in force now
        """
        began, at_hand = datetime.now(UTC), not Run.of(context).is_scheduled
        waiting = {str(document["_id"]): document for document in self.accounts.waiting()}
        due = [name for name, document in waiting.items() if at_hand or _is_due(document, began)]
        if not due:
            raise AirflowSkipException("No holder's answer has to be looked for now: GRDF was not asked.")
        begun: list[str] = []
        meters = {name: _meters(document) for name, document in waiting.items()}
        for names in _chunks({name: pces for name, pces in meters.items() if pces}):
            asked_at = datetime.now(UTC)
            pces = sorted({pce for name in names for pce in meters[name]})
            rights = self.adict.listed_rights(pces, account=names[0] if len(names) == 1 else "")
            begun += [name for name in names if self._noted(name, meters[name], rights, asked_at)]
        self.log.info("%d right(s) wait for their holder; %d account(s) begin to be read.", len(due), len(begun))
        return [dag_id(name) for name in begun]

    def _noted(self, name: str, pces: list[str], rights: Rights, asked_at: datetime) -> bool:
        """Note GRDF's answer on an account. Return whether a meter may be read now that could not be before."""
        from grdf.consents.taking import take

        mine, last = [right for right in rights.rights if right.pce in pces], self.accounts.listed_at()
        listed = Listed(mine, asked_at, meters=pces)

        def change(document: Document) -> Document:
            now, days = datetime.now(UTC), settings.consent_warning_days()
            found = compared(document, listed, now=now, today=paris_today(now), warn_days=days)
            if found.lost or is_fresh(seen_at(document, last), now):
                return found.document
            return with_seen(
                found.document, utc_text(asked_at)
            )  # so that the first run need not ask for the list again

        try:
            before = self.accounts.document(name)
            own = {right for meter in Account.from_document(before).meters for right in meter.own}
            if rights.odd and not own & {right.id for right in mine}:
                self.log.warning("Account %s: its right may be in a line of GRDF's list that cannot be read.", name)
                return False
            opened = _opened(before, change(before))
            if not opened:
                self.accounts.update(name, change)
                return False
            consents = [meter for meter in Account.from_document(before).meters if meter.pce in opened]
            write = partial(self.accounts.update, name, change)
            take(self.couchdb, name, consents, write, ask=lambda _: rights, oauth=self.adict.oauth)
        except MeterTaken as error:
            self.accounts.mark(name, error)
            self.log.warning("%s", error)
            return False
        except BadAccount as error:
            self.log.warning("Account %s is left as it is: %s", name, error)
            return False
        self.log.info("Account %s: the holder has accepted; its first run starts.", name)
        return True


def _is_due(document: Document, now: datetime) -> bool:
    declaration = Declaration.of(document)
    return declaration is not None and declaration.is_due(now)


def _meters(document: Document) -> list[str]:
    try:
        account = Account.from_document(document)
    except BadAccount:
        return []
    return [meter.pce for meter in account.meters if meter.lost and not account.leaving]


def _opened(before: Document, after: Document) -> set[str]:
    lost = {meter.pce for meter in Account.from_document(before).meters if meter.lost}
    return lost - {meter.pce for meter in Account.from_document(after).meters if meter.lost}


def _chunks(meters: dict[str, list[str]]) -> list[list[str]]:
    """Return the accounts in groups with at most :data:`MOST` meters."""
    chunks: list[list[str]] = []
    count = MOST
    for name, pces in meters.items():
        if count + len(pces) > MOST:
            chunks.append([])
            count = 0
        chunks[-1].append(name)
        count += len(pces)
    return chunks
