"""Rescope: from the household's reduced token to the data token that every account shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf.airflow.waiting import waiting_for_grdf
from grdf.operators.base import AccountOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RescopeTokenOperator(AccountOperator):
    """Make sure that a token with the scope of the data is at hand, and good for the work ahead.

    What Client Connect gives is good for ``openid`` alone (ADICT 2.1). Data needs a ``client_credentials``
    token of ours: about one every 4 hours, for all accounts and all workers together.

    :param margin: seconds for which the token must still be good
    """

    def __init__(self, *, margin: float = 900, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margin = margin

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step.

        :param context: Airflow's task context
        :return: the account, whether GRDF was asked, and until when the token is good (UTC); never the token
        :raises CredentialsRefused: when GRDF does not accept our client: no household can help that
        :raises ServiceUnavailable: when the token endpoint does not answer
        """
        token, asked = self.adict.tokens.get(for_seconds=self.margin)
        self.log.info(
            "Account %s: %s data token, valid until %s UTC.",
            self.account_id,
            "GRDF returned a new" if asked else "using the shared",
            f"{token.until:%Y-%m-%d %H:%M}",
        )
        return {"account": self.account_id, "asked": asked, "until": token.until.isoformat(timespec="seconds")}
