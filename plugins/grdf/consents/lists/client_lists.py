"""GRDF's lists of rights, one for each of our clients. A client that GRDF refuses does not stop the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.airflow.retries import first_to_raise
from include.gas.account.account import Account
from include.gas.errors import GasError, ServiceUnavailable

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from include.gas.answers.access_rights import AccessRight, Rights


@dataclass(frozen=True)
class ClientList:
    """What GRDF lists for one client.

    :param client: the hook for the client
    :param answer: all its rights
    :param asked_at: when GRDF was asked for them, aware
    """

    client: AdictHook
    answer: Rights
    asked_at: datetime
    rights: dict[str, list[AccessRight]] = field(default_factory=dict)
    """The rights by meter."""

    def __post_init__(self) -> None:
        """Sort the rights by meter."""
        for right in self.answer.rights:
            self.rights.setdefault(right.pce, []).append(right)

    @property
    def connection(self) -> str:
        """The id of the client's Airflow connection."""
        return self.client.grdf_conn_id

    @property
    def whole(self) -> bool:
        """Whether every line of the list could be read."""
        return not self.answer.odd


class ClientLists:
    """The lists of some clients, each asked for with one call.

    ``known`` are the lists and ``failures`` the reasons why there is no other, both by the client's connection.

    :param clients: the hooks for the clients; at least one
    :param last_try: whether Airflow will not try the task again by itself
    :raises GasError: if there is no list at all
    """

    def __init__(self, clients: Sequence[AdictHook], log: Log, *, last_try: bool) -> None:
        self._first = clients[0]
        self.known: dict[str, ClientList] = {}
        self.failures: dict[str, GasError] = {}
        for client in clients:
            asked_at = datetime.now(UTC)
            try:
                self.known[client.grdf_conn_id] = ClientList(client, client.all_access_rights(), asked_at)
            except GasError as error:
                if len(clients) == 1:
                    raise
                log.warning("%s: %s The accounts of the other clients go on.", client.grdf_conn_id, error)
                self.failures[client.grdf_conn_id] = error
        if not self.known:
            raise first_to_raise(self.failures.values(), last_try=last_try)

    @property
    def are_several(self) -> bool:
        """Whether there are several clients."""
        return len(self.known) + len(self.failures) > 1

    def of(self, document: Mapping[str, Any]) -> ClientList | None:
        """Return the list for an account's client; ``None`` if there is none.

        :raises BadAccount: if the account belongs to none of our clients
        """
        return self.known.get(self._first.of(document).grdf_conn_id)

    def listed_for_another(self, document: Mapping[str, Any]) -> str:
        """Return the connection of the client for which GRDF lists a right of an account that its own client's lacks.

        A right stays with one client, so the credentials of the two connections may be swapped, and the list may be
        that of another client altogether.

        :return: ``""`` if there is none, or the account is not judged by a list now
        :raises BadAccount: if the document cannot be understood, or the account belongs to none of our clients
        """
        account, mine = Account.from_document(document), self.of(document)
        if mine is None or not self.are_several or account.leaving or account.reconnected:
            return ""
        for other in self.known.values():
            if other is not mine and any(
                _has(other, meter.pce, own) and not _has(mine, meter.pce, own)
                for meter in account.meters
                for own in meter.own
            ):
                return other.connection
        return ""

    def failure_of(self, document: Mapping[str, Any]) -> GasError | None:
        """Return why there is no list for an account's client; ``None`` if there is one.

        :raises BadAccount: if the account belongs to none of our clients
        """
        return self.failures.get(self._first.of(document).grdf_conn_id)

    def whole_of(self, document: Mapping[str, Any]) -> ClientList:
        """Return the list for an account's client.

        :raises BadAccount: if the account belongs to none of our clients
        :raises GasError: if there is no list, or a line of it could not be read
        """
        if failure := self.failure_of(document):
            raise failure
        conn_id = self._first.of(document).grdf_conn_id
        self.stop_unless_whole(conn_id)
        return self.known[conn_id]

    def stop_unless_whole(self, conn_id: str) -> None:
        """Raise an error if some lines of a list could not be read.

        :param conn_id: the client's connection
        """
        if not self.known[conn_id].whole:
            raise ServiceUnavailable.about(
                None, "GRDF's list of rights could not be read completely; nothing was changed"
            )


def _has(listed: ClientList, pce: str, right: str) -> bool:
    return any(each.id == right for each in listed.rights.get(pce, ()))
