"""GRDF's lists of rights, one for each of our clients. A client that GRDF refuses does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.airflow.retries import first_to_raise
from include.gas.errors import GasError

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


class ClientLists:
    """The lists of some clients, each asked for with one call.

    ``known`` are the lists and ``failures`` the reasons why there is no other, both by the client's connection.

    :param clients: the hooks for the clients; at least one
    :param last_try: whether Airflow will not try the task again by itself
    :raises GasError: if there is no list at all
    """

    def __init__(self, clients: Sequence[AdictHook], log: Log, *, last_try: bool) -> None:
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
