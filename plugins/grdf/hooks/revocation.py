"""Revokes rights: the only code with the secret of the account type ``grdfgrandlyon.delete``.

Its token is requested each time, kept in memory, and never used for data, nor the data token to revoke.
"""

from __future__ import annotations

from functools import partial

from grdf.hooks.adict import AdictHook, Call
from grdf.quota.call_terms import DAILY
from include.gas.account.client import DEFAULT
from include.gas.answers.refusals import revocation_error

DELETE_CONNECTION = "grdfgrandlyon_delete"


class RevocationHook(AdictHook):
    """ADICT with the credentials that may revoke; ``BadSettings`` if their connection is missing or incomplete."""

    default_conn_name = DELETE_CONNECTION

    def __init__(self, client: str = DEFAULT) -> None:
        super().__init__(DELETE_CONNECTION if client == DEFAULT else f"{client}_delete", token_store={})
        self.client_id = self.oauth.facts.client_id  # read now: without the connection no deletion starts

    def revoke(self, right_id: str, *, account: str) -> None:
        """Revoke a right (``PATCH /droit_acces/{id}``, ADICT 4); ``ServiceUnavailable`` also if it is over already."""
        judge = partial(revocation_error, right=right_id, connection=self.grdf_conn_id)
        what = f"the revocation of consent {right_id}"
        self._ask(Call("PATCH", f"/droit_acces/{right_id}", what, account, {"json": {}}, judge=judge), DAILY)
