"""Adopts unclaimed rights at GRDF."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import GasError
from include.gas.importing.right_adoption import KnownState, check_pattern, ids_of, plan_adoptions
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class AdoptRightsOperator(GrdfOperator):
    """Gives an account to each unclaimed right in force, or reports in a dry run.

    What the list lacks changes nothing. Rights just declared, or revoked by a deletion, are left alone. It may be
    repeated.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many accounts have rights or would have, and how many cannot.

        :raises BadRequest: if the form is wrong, or the run was cleared
        :raises GasError: if GRDF gave no list for one of our clients; the rights of the others are adopted
        """
        from grdf.ledger.unclaimed_rights import UnclaimedRights

        run = Run.from_context(context)
        run.stop_if_cleared("grdf_adopt_rights")
        pattern, dry_run = check_pattern(run.params.get("id_pattern")), run.params["dry_run"]
        known = KnownState(
            {str(document["_id"]): document for document in self.accounts.all_documents()},
            {meter.pce: meter for meter in self.ledger.all_meters()},
            {right for record in self.couchdb.scan(AUDIT) for right in record.get("revoked", ())},
            datetime.now(UTC),
            settings.meter_in_several_accounts(),
        )
        giving = UnclaimedRights(self.couchdb, self.log, asker=run.asked_by, dry_run=dry_run)
        counts, problems = Counter({"accounts": 0, "left_out": 0}), list[GasError]()
        for client in self.clients():
            at = datetime.now(UTC)
            try:
                listed = client.query_all_rights().rights
            except GasError as error:
                self.log.warning("%s: %s", client.grdf_conn_id, error)
                problems.append(error)
                continue
            for account, rights, reason in plan_adoptions(listed, client.grdf_conn_id, known, pattern):
                if why := reason or giving.assign_rights(account, client.grdf_conn_id, rights, at):
                    tag = meter_tag(account, rights[0].pce)
                    self.log.warning("Right %s (meter %s) gets no account: %s.", ids_of(rights), tag, why)
                counts["left_out" if why else "accounts"] += 1
        self.log.info("Accounts and rights: %s.%s", dict(counts), " Dry run: nothing was written." if dry_run else "")
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)
        return dict(counts)
