"""The revocation of consents: the only code that uses the secret of the account type ``grdfgrandlyon.delete``.

Its token is requested each time, kept in this process's memory only, and never used for data. The shared data token is
never used to revoke.
"""

from __future__ import annotations

from collections.abc import Collection

from grdf.hooks.adict import AdictHook
from grdf.hooks.adict_http import JSON, Call, text_of
from grdf.hooks.data_token import MemoryShelf
from grdf.hooks.oauth import retry_after
from grdf.quota.terms import DAILY
from include.gas.account.sections.client import DEFAULT
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.refusals import http_error, refusal_error, status_in
from include.gas.errors import CredentialsRefused, ServiceUnavailable
from include.gas.leaving.deletion_plan import standing

DELETE_CONNECTION = "grdfgrandlyon_delete"


def delete_connection(conn_id: str) -> str:
    """Return the connection whose credentials revoke the rights of a client.

    :param conn_id: the connection of the client that has the rights
    """
    return DELETE_CONNECTION if conn_id == DEFAULT else f"{conn_id}_delete"


REVOKED = "revoked"
NOT_IN_FORCE = "was not in force"


class RevocationHook(AdictHook):
    """ADICT with the credentials that may revoke.

    The connection is ``grdfgrandlyon_delete``, or for another client that of :func:`delete_connection`, and nothing
    else uses it.

    :param client: the connection of the client that has the rights
    :raises BadSettings: if there is no such connection, or it is incomplete
    """

    default_conn_name = DELETE_CONNECTION

    def __init__(self, client: str = DEFAULT) -> None:
        super().__init__(delete_connection(client), shelf=MemoryShelf(texts={}))
        self.client_id = self.oauth.facts.client_id  # read now: without the connection no deletion starts

    def standing_rights(self, pces: list[str], own: Collection[str], *, account: str) -> tuple[AccessRight, ...]:
        """Ask which of our rights on some meters are in force, including rights that the account does not know.

        The parameters and errors are those of :meth:`rights_on`.
        """
        return standing(self.rights_on(pces, own, account=account))

    def rights_on(self, pces: list[str], own: Collection[str], *, account: str) -> tuple[AccessRight, ...]:
        """Ask for all our rights on some meters, also those that are over.

        :param pces: numbers of the account's meters
        :param own: GRDF's ids of the rights that the account brought
        :param account: the account's id, for messages
        :raises ServiceUnavailable: if a line of GRDF's list cannot be read and one of the account's own rights is in
            none of the other lines: the unreadable line may be that right, and in force
        """
        if not pces:
            return ()
        listed = self.listed_rights(pces, account=account)
        if listed.odd and not {right.id for right in listed.rights}.issuperset(own):
            raise ServiceUnavailable.about(
                account,
                f"{listed.odd} line(s) of GRDF's list of its consents could not be read, so no consent is "
                "considered revoked",
                "It is tried again automatically, and nothing is removed before. If this continues, tell GRDF.",
            )
        return listed.rights

    def revoke(self, right: AccessRight, *, account: str) -> str:
        """Revoke one right (``PATCH /droit_acces/{id}``). A right that is already revoked counts as success (ADICT 4).

        :param account: the account's id, for messages
        :return: ``revoked``, or ``was not in force`` if GRDF's list of rights says so
        :raises GasError: if GRDF refuses and the right is still in force
        """
        what = f"the revocation of consent {right.id}"
        response = self._answer(Call("PATCH", f"/droit_acces/{right.id}", what, account, accept=JSON), DAILY).response
        body = text_of(response)
        code, message = status_in(body)
        taken = 200 <= response.status_code < 300  # a redirect has revoked nothing
        if taken and not code and body.lstrip()[:1] in ("", "{", "["):  # neither has a page in HTML
            return REVOKED
        if response.status_code in (404, 409) or taken:
            still = {each.id for each in self.standing_rights([right.pce], [right.id], account=account)}
            if right.id not in still:
                return NOT_IN_FORCE
        if response.status_code == 403:
            raise CredentialsRefused.about(
                account,
                f"GRDF does not let the client of the connection {self.grdf_conn_id} revoke consent {right.id}",
                f"Check that {self.grdf_conn_id} has the credentials that may revoke, then start "
                "grdf_delete_account again.",
            )
        refusal = http_error(
            response.status_code, body, account=account, what=what, retry_after=retry_after(response), quoted=False
        ) or refusal_error(code, message, account=account, pce=None, quoted=False)
        raise refusal or ServiceUnavailable.about(account, f"GRDF did not complete {what}")
