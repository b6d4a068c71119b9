"""The token step of an account's DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf.operators.base import AccountOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RescopeTokenOperator(AccountOperator):
    """Makes sure that a data token is valid for the work ahead: Client Connect's is for ``openid`` (ADICT 2.1)."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Return the account, whether GRDF was asked, and until when the token is used (UTC); never the token."""
        clients = self.clients()
        # With a single client, the account need not be read.
        alone = len(clients) == 1
        client = clients[0] if alone else self.adict.for_account(self.accounts.read_document(self.account_id))
        token, asked = client.data_token()
        self.log.info(
            "Account %s: %s data token%s, which is used until %s UTC.",
            self.account_id,
            "GRDF returned a new" if asked else "using the shared",
            "" if alone else f" of {client.grdf_conn_id}",
            f"{token.until:%Y-%m-%d %H:%M}",
        )
        return {"account": self.account_id, "asked": asked, "until": token.until.isoformat(timespec="seconds")}
