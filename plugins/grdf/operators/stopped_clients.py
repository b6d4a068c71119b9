"""The clients for which the monthly reading reads no further account."""

from __future__ import annotations

from collections import Counter

from grdf.airflow.retries import first_to_raise
from include.gas.errors import GasError


class StoppedClients:
    """The clients for which no further account is read in this try. A single one ends it; several stop each other not.

    ``reasons`` says why, by the client's connection. ``in_a_row`` counts the last accounts that failed, and ``read``
    those that were read.

    :param clients: number of our clients
    :param last_try: whether Airflow will not try the task again by itself
    """

    def __init__(self, clients: int, *, last_try: bool) -> None:
        self._clients, self._last_try = clients, last_try
        self.reasons: dict[str, GasError] = {}
        self._put_off: set[str] = set()
        self.in_a_row: Counter[str] = Counter()
        self.read: Counter[str] = Counter()

    def stop(self, client: str, error: GasError) -> None:
        """Stop a client.

        :param client: its connection; ``""`` if an error keeps us from knowing it
        :raises GasError: if the error concerns all clients
        """
        self.reasons[client] = error
        if self.are_all or not client:
            raise first_to_raise([*self.problems, error], last_try=self._last_try)

    def put_off(self, client: str, error: GasError) -> None:
        """Leave a client's other accounts to the next run."""
        self.reasons[client] = error
        self._put_off.add(client)

    @property
    def are_all(self) -> bool:
        """Whether no client is left."""
        return len(self.reasons) >= self._clients

    @property
    def are_several(self) -> bool:
        """Whether there are several clients."""
        return self._clients > 1

    @property
    def problems(self) -> list[GasError]:
        """The errors that stopped a client, without those that leave its accounts to the next run."""
        return [error for client, error in self.reasons.items() if client not in self._put_off]
