"""The options of a fleet benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """One fleet benchmark.

    :param accounts: number of connected accounts
    :param per_second: GRDF's quota of each client in calls per second, enforced by the sandbox
    :param clients: number of clients at GRDF, over which the accounts are spread evenly
    :param minutes: watch the pass for this long only; ``None`` for all of it
    :param then: minutes during which manual runs are started after the pass; ``None`` for none
    :param every: seconds between two manual runs
    :param csv: file for the memory of each minute
    :param idle: minutes of watching a fleet that has nothing to do; ``None`` for a pass
    :param settings: Airflow settings to try, which override ``airflow.env``
    """

    accounts: int = 60
    per_second: float = 1.0
    clients: int = 1
    minutes: float | None = None
    then: float | None = None
    every: float = 10.0
    csv: Path | None = None
    idle: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls_per_second(self) -> float:
        """The quotas of all clients together."""
        return self.per_second * self.clients
