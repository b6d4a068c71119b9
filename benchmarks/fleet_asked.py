"""The options of a fleet benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """One fleet benchmark.

    :param per_second: each client's quota, enforced by the sandbox
    :param minutes: watch the pass for this long only
    :param then: minutes of manual runs after the pass, one ``every`` so many seconds
    :param csv: file for the memory of each minute
    :param idle: minutes of watching a fleet at rest, in place of a pass
    :param settings: Airflow settings to try, over ``airflow.env``
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
        return self.per_second * self.clients
