"""Adopting rights that exist at GRDF and have no account here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf import settings
from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import AUDIT
from include.gas.importing.adoption import Adoption, check_pattern, plan_adoption
from include.gas.leaving.late_rights import left_rights
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class AdoptRightsOperator(GrdfOperator):
    """Makes an account for each right in force that has none, or says in a dry run which ones it would make.

    It never removes or changes an account because of what the list lacks, so a list that was cut short does no harm.
    It is safe to repeat: rights that an account has are left alone. So are rights that an account has just declared,
    and those of households that have left, which GRDF's list may show for some time.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: how many accounts were made or would be, how many cannot be, and how many rights need none
        :raises BadRequest: if the form is not filled in correctly, or the run was cleared
        :raises RetryLater: if GRDF or CouchDB does not answer, or accounts are being connected; the next try continues
        :raises GasError: if GRDF gave no list for one of our clients; the rights of the others are adopted
        """
        from grdf.consents.lists.client_lists import ClientLists
        from grdf.consents.owners.right_adoption import Adopting

        run = Run.of(context)
        run.stop_if_cleared("grdf_adopt_rights")
        pattern, dry_run = check_pattern(run.params.get("id_pattern")), run.params["dry_run"]
        asked_at = datetime.now(UTC)
        lists = ClientLists(self.clients(), self.log, last_try=run.is_last_try)
        listed_by = [(name, right) for name, listed in lists.known.items() for right in listed.answer.rights]
        whose, rights = {right.id: name for name, right in listed_by}, [right for _, right in listed_by]
        adopting = Adopting(self.couchdb, self.adict, asker=run.asked_by, asked_at=asked_at)
        holdings, several = adopting.holdings(), settings.meter_in_several_accounts()
        records, gone = list(self.couchdb.scan(AUDIT)), set[str]()
        for name, listed in lists.known.items():
            gone |= left_rights(records, listed.answer.rights, name)
        plan = plan_adoption(
            rights, holdings, pattern, paris_today(asked_at), gone=gone, several=several, clients=whose
        )
        left = list(plan.left)
        if odd := sum(listed.answer.odd for listed in lists.known.values()):
            self.log.warning(
                "%d line(s) of GRDF's list could not be read. The rights in them, if any, are left out; start this "
                "again another day.", odd,
            )  # fmt: skip
        if dry_run:
            for each in plan.adopted:
                client = f" of client {each.connection}" if lists.are_several else ""
                self.log.info("%s%s would get account %s (meter %s).", _said(each), client, each.account, _tag(each))
        else:
            left += adopting.adopt(plan.adopted)
        for each, reason in left:
            self.log.warning("%s (meter %s) gets no account: %s.", _said(each), _tag(each), reason)
        made = len(plan.adopted) + len(plan.left) - len(left)
        self.log.info(
            "%d account(s) %s, %d cannot be; %d right(s) have an account already, and %d are not in force for daily "
            "data of gas use.%s", made, "would be made" if dry_run else "are made", len(left), plan.owned,
            plan.unusable, " Dry run: nothing was written." if dry_run else _proved(made, adopting.recorded),
        )  # fmt: skip
        if lists.failures:  # what the others list is adopted
            raise first_to_raise(lists.failures.values(), last_try=run.is_last_try)
        return {
            "accounts": made, "left_out": len(left), "have_one": plan.owned, "unusable": plan.unusable,
            "unreadable": odd,
        }  # fmt: skip


def _proved(made: int, recorded: int) -> str:
    """Return the sentence about the records of consents."""
    if not recorded:
        return " No record of consent is kept for them: whoever declared these rights has the proof."
    others = " Whoever declared the other rights has their proof." if recorded < made else ""
    return f" {recorded} of them have the record of the consent that was kept here.{others}"


def _said(adoption: Adoption) -> str:
    return f"Right {adoption.names}" if len(adoption.rights) == 1 else f"Rights {adoption.names}"


def _tag(adoption: Adoption) -> str:
    return meter_tag(adoption.account, adoption.pce)
