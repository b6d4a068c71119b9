"""The clients at GRDF that cannot be called at present, whose lines an import puts aside to go on with the others'."""

from __future__ import annotations

import logging
from collections.abc import Callable

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadSettings, ClientUnknown, CredentialsRefused, GasError, QuotaWait

log = logging.getLogger(__name__)

OF_CLIENT = (QuotaWait, CredentialsRefused, BadSettings)
"""Errors that concern one client and all its lines."""
NO_CLIENT = "?"
"""Stands for the client of an account that belongs to none of ours."""


class ClientsAside:
    """Tells the lines of clients that were put aside from the others. A single client is never put aside.

    ``reasons`` says why each was put aside, by its connection or the account, and ``lines`` how many lines were left
    for that.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    :param several: whether there are several clients
    :param choose: returns the connection of the client for one more new account, which counts from then on
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, several: bool, choose: Callable[[], str]) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._several = several
        self._choose = choose
        self._chosen = ""
        self.reasons: dict[str, GasError] = {}
        self.lines = 0

    def choose(self) -> str:
        """Return the connection of the client for a new account: the one for which :meth:`skips` has looked."""
        chosen, self._chosen = self._chosen or self._choose(), ""
        return chosen

    def skips(self, account: str) -> bool:
        """Return whether the line of an account is put aside.

        :param account: the account's id; if there is none yet, its client is chosen now, whether it is put aside or not
        """
        self._chosen = ""
        if not self.reasons:
            return False
        client = self._client_of(account)
        if not client:
            client = self._chosen = self._choose()
        self.lines += client in self.reasons
        return client in self.reasons

    def put(self, account: str, error: GasError) -> None:
        """Put the client of an account aside because of an error that its line has met.

        :raises GasError: the error, if it may concern all lines
        """
        client = self._client_of(account) if self._several else ""
        if client in ("", NO_CLIENT, *self.reasons):
            raise error
        log.error("%s: %s Its lines are put aside; those of other clients go on.", client, error)
        self.reasons[client] = error
        self.lines += 1

    def put_line(self, account: str, error: GasError) -> None:
        """Put the line of one account aside."""
        self.reasons[account] = error
        self.lines += 1

    def _client_of(self, account: str) -> str:
        """Return the connection of an account's client; ``""`` if there is no account, or :data:`NO_CLIENT`."""
        document = self._couchdb.get(ACCOUNT, account)
        if document is None:
            return ""
        try:
            return self._adict.of(document).grdf_conn_id
        except ClientUnknown:
            return NO_CLIENT  # what is said of its line then
