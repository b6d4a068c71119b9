"""The revocation of consents: the only code that uses the secret of the account type ``grdfgrandlyon.delete``.

Its token is requested each time, kept in this process's memory only, and never used for data. The shared data token is
never used to revoke.
"""

from __future__ import annotations

from grdf.hooks.adict import AdictHook, Call, text_of
from grdf.hooks.http_calls import retry_after
from grdf.quota.terms import DAILY
from include.gas.account.sections.client import DEFAULT
from include.gas.answers.refusals import http_error, refusal_error, status_in
from include.gas.errors import CredentialsRefused, ServiceUnavailable

DELETE_CONNECTION = "grdfgrandlyon_delete"


def delete_connection(conn_id: str) -> str:
    """Return the connection whose credentials revoke the rights of a client, which is another connection's."""
    return DELETE_CONNECTION if conn_id == DEFAULT else f"{conn_id}_delete"


class RevocationHook(AdictHook):
    """ADICT with the credentials that may revoke, from a connection that nothing else uses.

    :param client: the connection of the client that has the rights
    :raises BadSettings: if there is no such connection, or it is incomplete
    """

    default_conn_name = DELETE_CONNECTION

    def __init__(self, client: str = DEFAULT) -> None:
        super().__init__(delete_connection(client), shelf={})
        self.client_id = self.oauth.facts.client_id  # read now: without the connection no deletion starts

    def revoke(self, right_id: str, *, account: str) -> None:
        """Revoke one right (``PATCH /droit_acces/{id}``, ADICT 4).

        :raises ServiceUnavailable: also if GRDF answers that the right is over already: the next look shows that
        :raises GasError: if GRDF refuses
        """
        what = f"the revocation of consent {right_id}"
        response = self._answer(Call("PATCH", f"/droit_acces/{right_id}", what, account), DAILY).response
        body, status = text_of(response), response.status_code
        code, message = status_in(body)
        taken = 200 <= status < 300  # a redirect has revoked nothing
        if taken and not code and body.lstrip()[:1] in ("", "{", "["):  # neither has a page in HTML
            return
        if status in (403, 404):  # it may not, or is another client's
            raise CredentialsRefused.about(
                account,
                f"GRDF does not let the client of the connection {self.grdf_conn_id} revoke consent {right_id} "
                f"(HTTP {status})",
                f"Check that {self.grdf_conn_id} has the credentials that may revoke the consents of this account's "
                "client, then start grdf_delete_account again.",
            )
        if status == 409:
            raise ServiceUnavailable.about(account, f"GRDF answered {what} with HTTP 409, as for one that is over")
        refusal = http_error(
            status, body, account=account, what=what, retry_after=retry_after(response), quoted=False
        ) or refusal_error(code, message, account=account, pce=None, quoted=False)
        raise refusal or ServiceUnavailable.about(account, f"GRDF did not complete {what}")
