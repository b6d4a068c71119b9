"""What a fleet benchmark is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """One fleet benchmark.

    :param accounts: how many accounts are connected
    :param per_second: GRDF's quota, which the sandbox enforces: calls a second
    :param minutes: the pass is looked at for so long only; ``None`` for all of it
    :param hours: length of the long run; ``None`` for one daily pass
    :param then: minutes for which runs are started by hand after the pass; ``None`` for none
    :param every: seconds between two runs that are started by hand
    :param csv: where the memory of each minute goes
    :param settings: Airflow's settings to try, over those of ``airflow.env``
    """

    accounts: int = 60
    per_second: float = 1.0
    minutes: float | None = None
    hours: float | None = None
    then: float | None = None
    every: float = 10.0
    csv: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
