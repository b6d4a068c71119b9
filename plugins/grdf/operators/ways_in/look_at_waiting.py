"""Looking whether the holders of contracts have accepted the rights that were declared for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.gas_days import dag_id
from include.gas.errors import BadAccount, BadRequest, GasError, QuotaWait

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.documents.gas_days import Document

MOST = 1000
"""Meters in one question (ADICT 3.6)."""
STARTED = 1000
"""Accounts whose runs one look may start: Airflow maps at most 1,024 tasks (``[core] max_map_length``)."""
QUARTER = 15
"""Minutes from one run to the next: only the first of an hour is due in the first quarter."""
SPLIT = 10
"""How often a question that GRDF refuses is halved: enough to find one meter among a thousand."""


class LookAtWaitingOperator(GrdfOperator):
    """Asks GRDF for the rights that wait for their holder, all of a client in one call, and notes the answers.

    GRDF sends no notice of them, and nothing else notes that a holder has accepted. While rights wait, the first run of
    each hour looks for all of them, and so does every run for two hours after a declaration. A run that a person starts
    looks in any case.
    """

    def perform(self, context: Context) -> list[str]:
        """Run the task.

        :return: the DAGs of accounts whose right is in force now
        :raises GasError: if GRDF did not answer and no account begins to be read. With several clients, what waits for
            a client's calls is left to the next run
        """
        from grdf.consents.declarations.waiting_rights import waiting_meters

        run = Run.of(context)
        waiting = [document for document in self.accounts.waiting() if waiting_meters(document)]
        if not _is_due(run, waiting):
            raise AirflowSkipException("No holder's answer has to be looked for now: GRDF was not asked.")
        clients = self._by_client(waiting)
        begun: list[str] = []
        failures: list[GasError] = []
        for client, meters in clients.items():
            try:
                self._look(self.adict.named(client), meters, begun)
            except GasError as error:
                if len(clients) > 1:
                    self.log.error("%s: %s", client, error)
                failures.append(error)
        if len(self.clients()) > 1:
            # A run that waits for one client's calls would keep the next ones, which come in a quarter of an hour, from
            # looking for the others' answers.
            failures = [error for error in failures if not isinstance(error, QuotaWait)]
        if failures and not begun:
            raise failures[0]
        count = sum(map(len, clients.values()))
        self.log.info("%d account(s) wait for a holder; %d of them begin to be read.", count, len(begun))
        return [dag_id(name) for name in begun]

    def _by_client(self, waiting: Sequence[Document]) -> dict[str, dict[str, Sequence[str]]]:
        """Return the meters that wait, by the connection of the client and by account."""
        from grdf.consents.declarations.waiting_rights import waiting_meters

        clients: dict[str, dict[str, Sequence[str]]] = {}
        for document in waiting:
            try:
                of_client = clients.setdefault(self.adict.of(document).grdf_conn_id, {})
                of_client[str(document["_id"])] = waiting_meters(document)
            except BadAccount as error:
                self.log.error("%s It waits on.", error)
        return clients

    def _look(self, client: AdictHook, meters: Mapping[str, Sequence[str]], begun: list[str]) -> None:
        """Ask for the meters of a client's accounts.

        :param begun: the accounts that begin to be read, to which this adds
        :raises GasError: if GRDF does not answer before any account begins
        """
        from grdf.consents.declarations.waiting_rights import WaitingRights

        questions, split = _chunks(meters), 0
        while questions and len(begun) + len(questions[0]) <= STARTED:
            names, asked_at = questions.pop(0), datetime.now(UTC)
            pces = sorted({pce for name in names for pce in meters[name]})
            try:
                rights = client.listed_rights(pces, account=names[0] if len(names) == 1 else "")
            except BadRequest as error:  # one of the meters is not to GRDF's liking: the others must not wait for it
                if len(names) > 1 and split < SPLIT:
                    split += 1
                    questions[:0] = [names[: len(names) // 2], names[len(names) // 2 :]]
                else:
                    self.log.error("%s %d account(s) wait on.", error, len(names))
                continue
            except GasError as error:
                if not begun:
                    raise
                self.log.warning("%s The rights that were not looked for are looked for by the next run.", error)
                break
            begun += WaitingRights(self.couchdb, client).note(names, rights, asked_at)
        if questions:
            self.log.info("The next run looks for the other rights: %d accounts begin to be read now.", len(begun))


def _is_due(run: Run, waiting: Sequence[Document]) -> bool:
    """Return whether a run looks: in the first quarter of an hour, after a declaration, or for a person."""
    hourly, now = not run.is_scheduled or run.due.minute < QUARTER, datetime.now(UTC)
    declarations = (Declaration.of(document) for document in waiting)
    return bool(waiting) and (hourly or any(each is not None and each.is_new(now) for each in declarations))


def _chunks(meters: Mapping[str, Sequence[str]]) -> list[list[str]]:
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
