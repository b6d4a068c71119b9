"""What Airflow shows of an account's DAG, as far as it could be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DAYS = 2
"""How many days back a run must have read an account. One morning may be missed for reasons that pass."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What Airflow shows of one account.

    :param problem: why its DAG does not read it, as a clause; ``""`` if nothing is known against it
    :param had_runs: whether its DAG has runs that succeeded
    :param of_runs: whether the problem is one of its runs, which an account of yesterday has not had yet
    """

    problem: str = ""
    had_runs: bool = False
    of_runs: bool = False


NOTHING_SEEN: Mapping[str, Sight] = MappingProxyType({})

MISSING = Sight("Airflow has no DAG for it")
STALE = Sight("its DAG is gone from Airflow's list of DAGs")
PAUSED = Sight("its DAG is paused")


def unread(runs: str = "its runs were skipped, failed, or did not start") -> Sight:
    """Return the sight of an account whose load, if it had any, was always skipped or failed.

    :param runs: what its runs did, as a clause
    """
    return Sight(f"no run has read it for {DAYS} days: {runs}", of_runs=True)
