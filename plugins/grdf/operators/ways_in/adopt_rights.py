"""Adopts unclaimed rights at GRDF."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from grdf.staging.imports import Imports
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, BadRequest, GasError
from include.gas.importing.buildings import (
    OTHER_CLIENT,
    TAKEN,
    UNLISTED,
    Building,
    PlannedBuilding,
    plan_buildings,
    read_buildings,
)
from include.gas.importing.csv_file import check_name
from include.gas.importing.right_adoption import KnownState, check_pattern, ids_of, plan_adoptions
from include.gas.leaving.deletion import left_accounts
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.ledger.unclaimed_rights import UnclaimedRights


IN_LOG = 50
"""Ids of rights in the log."""


class AdoptRightsOperator(GrdfOperator):
    """Gives an account to each unclaimed right in force, or reports in a dry run.

    Those of our own contracts get the accounts of their buildings, by an operator's file. What the list lacks changes
    nothing. Rights just declared, or revoked by a deletion, are left alone. It may be repeated.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many accounts and meters of buildings have rights or would have, and how many cannot.

        :raises BadRequest: if form or file are wrong, or the run was cleared
        :raises GasError: if GRDF gave no list for one of our clients; the rights of the others are adopted
        """
        from grdf.ledger.unclaimed_rights import UnclaimedRights

        run = Run.from_context(context)
        run.stop_if_cleared("grdf_adopt_rights")
        pattern, dry_run = check_pattern(run.params.get("id_pattern")), run.params["dry_run"]
        imports, file = Imports(settings.staging_url()), str(run.params.get("buildings") or "")
        buildings, wrong = self._read_buildings(imports, file) if file else ({}, 0)
        records = list(self.couchdb.scan(AUDIT))
        known = KnownState(
            {str(document["_id"]): document for document in self.accounts.all_documents()},
            {meter.pce: meter for meter in self.ledger.all_meters()},
            {right for record in records for right in record.get("revoked", ())},
            datetime.now(UTC),
            settings.meter_in_several_accounts(),
            left_accounts(records),
        )
        giving = UnclaimedRights(self.couchdb, self.log, asker=run.asked_by, dry_run=dry_run)
        counts, problems = Counter({"accounts": 0, "buildings": 0, "left_out": wrong}), list[GasError]()
        unlisted, unnamed, clients = dict(buildings), list[str](), dict[str, str]()
        for client in self.clients():
            name, at = client.grdf_conn_id, datetime.now(UTC)
            try:
                listed = client.query_all_rights().rights
            except GasError as error:
                self.log.warning("%s: %s", name, error)
                problems.append(error)
                continue
            for account, rights, reason in plan_adoptions(listed, name, known, pattern):
                why = "a bug of this program"
                with self.each_account.serve(account):
                    try:
                        why = reason or giving.assign_rights(account, name, rights, at)
                    except BadAccount as error:
                        why = error.cause
                if why:
                    tag = meter_tag(account, rights[0].pce)
                    self.log.warning("Right %s (meter %s) gets no account: %s.", ids_of(rights), tag, why)
                counts["left_out" if why else "accounts"] += 1
            for planned in plan_buildings(listed, name, known, buildings):
                if building := planned.building:
                    unlisted.pop(planned.pce, None)
                    is_others = clients.setdefault(building.account, name) != name
                    why = OTHER_CLIENT if is_others else planned.reason
                    if why := why or self._adopt_meter(giving, building, planned, name, at):
                        self._warn(planned.pce, building.account, why)
                    counts["left_out" if why else "buildings"] += 1
                else:
                    unnamed.append(ids_of(planned.rights))
        for pce, building in unlisted.items():
            self._warn(pce, building.account, UNLISTED if not problems else "not all of GRDF's lists are known")
        if unnamed:
            self.log.warning(
                "%d meter(s) of our own contracts are in no account, as the file of buildings does not name them. "
                "GRDF's ids of their rights: %s.", len(unnamed), ", ".join(unnamed[:IN_LOG]),
            )  # fmt: skip
        counts["left_out"] += len(unlisted) + len(unnamed)
        self.log.info("Accounts and rights: %s.%s", dict(counts), " Dry run: nothing was written." if dry_run else "")
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)
        if file and not dry_run:
            imports.remove(file)
        return dict(counts)

    def _adopt_meter(
        self, giving: UnclaimedRights, building: Building, planned: PlannedBuilding, client: str, at: datetime
    ) -> str:
        """Give a building the rights to one of its meters. Return why the ledger refuses, or ``""``."""
        if planned.rights and giving.assign_rights(building.account, client, planned.rights, at, building.first):
            return TAKEN
        if not giving.dry_run:
            self.accounts.update(building.account, lambda stored: {**stored, "name": building.name})
        return ""

    def _warn(self, pce: str, account: str, why: str) -> None:
        self.log.warning("Building %s, meter %s is left out: %s.", account, meter_tag(account, pce), why)

    def _read_buildings(self, imports: Imports, file: str) -> tuple[dict[str, Building], int]:
        """Return the buildings in a file by meter, and its number of wrong lines; ``BadRequest`` if unreadable."""
        content = imports.content(check_name(file))
        if content is None:
            step = "Nothing was done. Put it there, readable for the user that runs Airflow's tasks, and start again."
            raise BadRequest.about(None, f"there is no file {file} in {imports.url}", step)
        buildings, wrong = read_buildings(content)
        for number, reason in wrong.items():
            self.log.warning("Line %d of %s is left out: %s.", number, file, reason)
        return buildings, len(wrong)
