"""The revocation: end every consent at GRDF, with the secret that nothing else uses."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.consents.lists.consent_dates import other_holders
from grdf.operators.deletion.step import DeletionOperator
from include.gas.account.account import Account
from include.gas.account.sections.client import DEFAULT
from include.gas.errors import BadAccount, BadSettings, GasError
from include.gas.leaving.deletion_plan import standing, to_revoke
from include.gas.leaving.deletion_record import ASKED, with_left_alone, with_revoked

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.hooks.revocation import RevocationHook
    from include.gas.consents.consent import Consent


class RevokeConsentsOperator(DeletionOperator):
    """Revokes every right that the account brought, on every meter, and none that another account uses.

    Other rights on its meters are recorded as left alone, because they may belong to the present occupants. A right
    that is no longer in force counts as revoked. Each right is recorded before it is revoked and again afterwards, so
    that no revocation is missing from the record, wherever the task is interrupted.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: GRDF's ids of the rights, each with its outcome
        :raises BadRequest: if nobody has approved this run
        :raises GasError: if a right is still in force
        """
        from grdf.hooks.revocation import NOT_IN_FORCE, REVOKED, RevocationHook

        run = Run.of(context)
        self.stop_if_over(self.permitted(run))
        document = self.document()
        meters: tuple[Consent, ...] = ()
        if document is not None:
            try:
                meters = Account.from_document(document).meters
            except BadAccount as error:
                self.log.warning("%s Its consents cannot be found there.", error)
        pces = [meter.pce for meter in meters]
        known = {right for meter in meters for right in meter.own}
        outcomes: dict[str, str] = {}
        left: dict[str, str] = {}
        if pces:
            client = self.adict.of(document or {})
            hook = RevocationHook(client.grdf_conn_id)
            used = other_holders(self.accounts, self.account_id, pces)
            listed = hook.rights_on(pces, known, account=self.account_id)
            if unseen := known - {right.id for right in listed}:
                self._stop_if_other_client(client, hook, unseen, pces)
                self._stop_if_elsewhere(client, unseen, pces)
            mine, left = to_revoke(standing(listed), meters, used)
            for right in mine:
                outcomes[right.id] = ASKED
                self.record(run, lambda entry: with_revoked(entry, outcomes))
                outcomes[right.id] = hook.revoke(right, account=self.account_id)
                self.record(run, lambda entry: with_revoked(entry, outcomes))
                self.log.info("Account %s: consent %s: %s.", self.account_id, right.id, outcomes[right.id])
            for right_id, why in left.items():
                self.log.warning("Account %s: consent %s on its meter stays: %s.", self.account_id, right_id, why)
            noted = self.record(run, dict)["revoked"]
            outcomes |= {right: REVOKED for right, said in noted.items() if said == ASKED and right not in outcomes}
            outcomes |= dict.fromkeys(sorted(known - outcomes.keys() - left.keys()), NOT_IN_FORCE)
        record = self.record(run, lambda entry: with_left_alone(with_revoked(entry, outcomes), left))
        if pces and not record["revoked"]:
            self.log.info("Account %s: none of its consents is in force at GRDF.", self.account_id)
        return {"account": self.account_id, "revoked": record["revoked"]}

    def _stop_if_other_client(
        self, client: AdictHook, hook: RevocationHook, unseen: Collection[str], pces: list[str]
    ) -> None:
        """Raise an error if the secret that revokes is another client's, for which GRDF does not list these rights.

        They would count as no longer in force, and stay in force without an account. How many clients there seem to be
        does not matter: the setting that says so may be the one that is wrong.

        :param unseen: GRDF's ids of the account's rights that GRDF does not list for the secret that revokes, not even
            as ones that are over
        """
        listed = standing(client.listed_rights(pces, account=self.account_id).rights)
        if hidden := sorted(right.id for right in listed if right.id in unseen):
            raise BadSettings.about(
                self.account_id,
                f"GRDF lists consent {', '.join(hidden)} for the client of {client.grdf_conn_id}, but not for "
                f"that of {hook.grdf_conn_id}: the two connections belong to different clients",
                f"Nothing was revoked. Set {hook.grdf_conn_id} to the credentials with which the client of "
                f"{client.grdf_conn_id} revokes, then start grdf_delete_account again.",
            )

    def _stop_if_elsewhere(self, client: AdictHook, unseen: Collection[str], pces: list[str]) -> None:
        """Raise an error if another of our clients has one of these rights, as after credentials were swapped.

        A client that cannot be asked may have it, and so may one that is not known while the setting is wrong: that a
        right is over is then not said, for nobody would look again.

        :param client: the account's own client, whose list has none of them
        :param unseen: GRDF's ids of the account's rights that GRDF does not list for the account's own client
        :raises GasError: if another client cannot be asked
        """
        names = settings.connections() if self.grdf_conn_id == DEFAULT else (self.grdf_conn_id,)
        for name in names:
            if name == client.grdf_conn_id:
                continue
            try:
                listed = standing(self.adict.named(name).listed_rights(pces, account=self.account_id).rights)
            except GasError:
                self.log.warning(
                    "Account %s: GRDF does not list consent %s for the client of %s. Nothing is revoked or removed "
                    "before the client of %s could be asked whether it has it.",
                    self.account_id, ", ".join(sorted(unseen)), client.grdf_conn_id, name,
                )  # fmt: skip
                raise
            if found := sorted(right.id for right in listed if right.id in unseen):
                raise BadSettings.about(
                    self.account_id,
                    f"GRDF lists consent {', '.join(found)} for the client of {name}, but not for that of "
                    f"{client.grdf_conn_id}, to which the account belongs",
                    "Nothing was revoked. Check whether the credentials of the two clients were swapped, in the "
                    "connections that read and in those that revoke. Then start grdf_delete_account again.",
                )
