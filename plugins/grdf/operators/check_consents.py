"""The daily check of consents: what GRDF's list of rights says about every account, from one call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from grdf import settings
from grdf.retries import GasRetryPolicy
from grdf.waiting import waiting_for_grdf
from include.gas.consent_check import check_consents
from include.gas.days import paris_today
from include.gas.errors import BadAccount, ServiceUnavailable

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.accounts import AccountStore
    from include.gas.consent_check import Finding
    from include.gas.consents import AccessRight


class CheckConsentsOperator(BaseOperator):
    """Ask GRDF once for all our rights, then bring every account's state and consent dates up to date.

    It catches revocations made on GRDF's site (no notice of them is sent, ADICT 4), consents that were given again, and
    warns ahead of a consent's end. An odd account is reported and does not keep the others from being checked.

    :param grdf_conn_id: Airflow connection with GRDF's address and our client's credentials
    :param couchdb_conn_id: Airflow connection of the CouchDB that holds the accounts
    """

    def __init__(self, *, grdf_conn_id: str = "grdf_adict", couchdb_conn_id: str = "couchdb", **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", GasRetryPolicy())
        super().__init__(**kwargs)
        self.grdf_conn_id = grdf_conn_id
        self.couchdb_conn_id = couchdb_conn_id

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the check.

        :param context: Airflow's task context
        :return: how many accounts were checked, lost a consent, got it back, or have one that ends soon
        :raises ServiceUnavailable: when GRDF lists no right at all although accounts are connected
        """
        from grdf.hooks.accounts import AccountStore
        from grdf.hooks.adict import AdictHook
        from grdf.hooks.couchdb import CouchDBHook
        from grdf.hooks.lease import lease

        couchdb = CouchDBHook(self.couchdb_conn_id)
        accounts = AccountStore(couchdb)
        adict = AdictHook(self.grdf_conn_id, one_at_a_time=lambda: lease(couchdb, "data-token"))
        rights: dict[str, list[AccessRight]] = {}
        listed = adict.all_access_rights()
        for right in listed.rights:
            rights.setdefault(right.pce, []).append(right)
        counts = {"checked": 0, "lost": 0, "restored": 0, "ending": 0, "odd": 0}
        if listed.odd:
            self.log.warning(
                "%d line(s) of GRDF's list of rights could not be read: a meter that it does not seem to hold may be "
                "in one of them. Tell GRDF if this goes on.",
                listed.odd,
            )
        for document in accounts.listed():
            try:
                self._check(accounts, document, rights, counts, whole=not listed.odd)
            except (BadAccount, AttributeError, TypeError) as error:
                counts["odd"] += 1
                self.log.warning("Account %s is left as it is: %s", document["_id"], error)
        self.log.info("Consents of %d accounts checked with one call: %s.", counts["checked"], counts)
        return counts

    def _check(
        self,
        accounts: AccountStore,
        document: dict[str, Any],
        rights: dict[str, list[AccessRight]],
        counts: dict[str, int],
        *,
        whole: bool,
    ) -> None:
        now = datetime.now(UTC)

        def finding_of(stored: dict[str, Any]) -> Finding | None:
            results = stored.get("oauth_callback_results") or {}
            pces = {entry.get("pce") for entry in results.get("consents") or []} | {results.get("pce_id")}
            mine = [right for pce in pces if pce for right in rights.get(pce, [])]
            return check_consents(
                stored, mine, now=now, today=paris_today(now), warn_days=settings.consent_warning_days()
            )

        finding = finding_of(document)
        if finding is None:
            return
        if finding.lost and not rights:
            raise ServiceUnavailable.about(
                None,
                "GRDF lists no access right at all, although accounts are connected",
                "No account was changed. It is tried again; if it lasts, ask GRDF about our client.",
            )
        if not whole and any(pce not in rights for pce, _ in finding.lost):
            self.log.warning(
                "Account %s is left as it is: its meter may be in a line that could not be read.", document["_id"]
            )
            return
        counts["checked"] += 1
        counts["lost"] += bool(finding.lost)
        counts["restored"] += finding.restored
        counts["ending"] += finding.ends is not None
        if finding.lost:
            self.log.warning("%s", finding.document["state_message"])
        if finding.restored:
            self.log.info("Account %s: its household has consented again; it is read from now on.", document["_id"])
        if finding.ends:
            self.log.warning(
                "Account %s: a consent ends on %s. The household must renew it to be read after that day.",
                document["_id"], finding.ends,
            )  # fmt: skip
        if finding.document != document:

            def change(stored: dict[str, Any]) -> dict[str, Any]:
                found = finding_of(stored)
                return stored if found is None else found.document  # none: it has begun to leave meanwhile

            accounts.update(document["_id"], change)
