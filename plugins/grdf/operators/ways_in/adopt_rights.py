"""Adopting rights that exist at GRDF and have no account here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.importing.adoption import Adoption, check_pattern
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class AdoptRightsOperator(GrdfOperator):
    """Gives an account to each right in force that has none, or says in a dry run which ones it would.

    It changes no account because of what the list lacks, so a list that was cut short does no harm. It is safe to
    repeat: rights that an account has are left alone. So are rights that an account has just declared, and those that a
    deletion has revoked, which GRDF's list may show for some time.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: how many accounts have rights now or would have, how many cannot, and how many rights need none
        :raises BadRequest: if the form is not filled in correctly, or the run was cleared
        :raises RetryLater: if GRDF or CouchDB does not answer; the next try continues
        :raises GasError: if GRDF gave no list for one of our clients; the rights of the others are adopted
        """
        from grdf.ledger.client_lists import ClientLists
        from grdf.ledger.unclaimed import RightsWithoutAccount

        run = Run.of(context)
        run.stop_if_cleared("grdf_adopt_rights")
        pattern, dry_run = check_pattern(run.params.get("id_pattern")), run.params["dry_run"]
        lists = ClientLists(self.clients(), self.log, last_try=run.is_last_try)
        rights = RightsWithoutAccount(self.couchdb, self.log, asker=run.asked_by)
        plan = rights.plan(lists.known, pattern)
        left = list(plan.left)
        if odd := sum(listed.answer.odd for listed in lists.known.values()):
            self.log.warning(
                "%d line(s) of GRDF's list could not be read. The rights in them, if any, are left out; start this "
                "again another day.", odd,
            )  # fmt: skip
        for each in plan.adopted:
            if dry_run:
                client = f" of client {each.client}" if lists.are_several else ""
                self.log.info("%s%s would get account %s (meter %s).", _said(each), client, each.account, _tag(each))
            elif reason := rights.adopt(each, lists.known[each.client].asked_at):
                left.append((each, reason))
        for each, reason in left:
            self.log.warning("%s (meter %s) gets no account: %s.", _said(each), _tag(each), reason)
        made = len(plan.adopted) + len(plan.left) - len(left)
        self.log.info(
            "%d account(s) %s, %d cannot; %d right(s) have an account already, and %d are not in force for daily data "
            "of gas use. %s", made, "would get rights" if dry_run else "have got rights", len(left), plan.owned,
            plan.unusable, "Dry run: nothing was written." if dry_run else
            f"For {rights.recorded} of them the record of the consent was kept here; whoever declared the other rights "
            "has their proof.",
        )  # fmt: skip
        if lists.failures:  # what the others list is adopted
            raise first_to_raise(lists.failures.values(), last_try=run.is_last_try)
        return {
            "accounts": made, "left_out": len(left), "have_one": plan.owned, "unusable": plan.unusable,
            "unreadable": odd,
        }  # fmt: skip


def _said(adoption: Adoption) -> str:
    return f"Right {adoption.names}" if len(adoption.rights) == 1 else f"Rights {adoption.names}"


def _tag(adoption: Adoption) -> str:
    return meter_tag(adoption.account, adoption.pce)
