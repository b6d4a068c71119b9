"""Token acquisition: from the household's grant to its meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from grdf.operators.base import AccountOperator, is_scheduled
from grdf.waiting import waiting_for_grdf
from include.gas.accounts import Account, Code, with_meters, without_grant
from include.gas.errors import FailNow, GrantRefused, IdTokenRefused

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.oauth import GrdfOAuthHook
    from include.gas.consents import Consent


class AcquireTokenOperator(AccountOperator):
    """On the first launch, turn the account's Client Connect grant into its meters; later, see that they are known.

    The grant is an ``id_token`` (an account that cozy-stack or our own page has connected) or an authorization code
    still to be exchanged. The ``id_token`` is checked before it is believed. Once the meters are stored, the tokens
    that led to them are dropped from the document: nothing needs them again.

    An ``id_token`` that fails, or a document that cannot be read, leaves the account as it was.
    """

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step.

        :param context: Airflow's task context
        :return: the account, how many meters it has, and whether this was its first launch
        :raises IdTokenRefused: when the ``id_token`` fails its checks
        :raises GrantRefused: when GRDF does not take the code
        :raises BadAccount: when there is no grant, or the document is odd
        """
        account = self.accounts.account(self.account_id)
        if account.leaving:
            raise AirflowSkipException(f"Account {account.id} is leaving: nothing is read for it any more.")
        if account.waits_for_person and is_scheduled(context):
            raise AirflowSkipException(
                f"Account {account.id} waits for its household ({account.state}), so GRDF is not asked. "
                f"{account.message} A run started by hand tries all the same."
            )
        if not account.needs_first_launch:
            self.log.info("Account %s: its %d meter(s) are known.", account.id, len(account.meters))
            return {"account": account.id, "meters": len(account.meters), "first_launch": False}
        try:
            consents = consents_of_grant(self.adict.oauth, account)
        except FailNow as error:
            if isinstance(error, GrantRefused):
                self.accounts.update(account.id, without_grant)
            self.accounts.mark(account.id, error)
            raise
        changed = self.accounts.update(account.id, lambda document: with_meters(document, consents))
        meters = len(Account.from_document(changed).meters)
        self.log.info("Account %s: first launch, the household consented for %d meter(s).", account.id, len(consents))
        if meters > len(consents):
            self.log.info("Account %s: %d other meter(s) it had before stay.", account.id, meters - len(consents))
        return {"account": account.id, "meters": meters, "first_launch": True}


def consents_of_grant(oauth: GrdfOAuthHook, account: Account) -> tuple[Consent, ...]:
    """Take an account's grant and read the household's consents from its checked ``id_token``.

    :param oauth: GRDF's token endpoint
    :param account: an account with a grant
    :raises IdTokenRefused: when the ``id_token`` fails its checks or names no meter
    :raises GrantRefused: when there is no grant, or GRDF does not take the code
    """
    grant = account.required_grant()
    if isinstance(grant, Code):
        token = oauth.exchange_code(grant.code, grant.redirect_uri, account=account.id)
        consents = oauth.consents_of(token, account=account.id, nonce=grant.nonce)
    else:
        consents = oauth.consents_of(grant.token, account=account.id, nonce=grant.nonce)
    if not consents:
        raise IdTokenRefused.about(
            cause="the id_token names no meter: the household came back from GRDF without choosing one",
            account=account.id,
            next_step="Let the household connect again and choose a meter.",
        )
    return consents
