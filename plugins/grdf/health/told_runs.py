"""Which run of the check of health has sent its alert, in an Airflow Variable: the triggerer sends one for any other.

A check that is killed, or fails in a way that nobody has foreseen, is red and tells nobody.
"""

from __future__ import annotations

import logging

VARIABLE = "grdf_health_told"
"""Name of the Variable. It holds the id of one run."""

log = logging.getLogger(__name__)


def note(run_id: str) -> None:
    """Record that a run has sent its alert. This never raises: without it, a second alert comes."""
    from airflow.sdk import Variable

    try:
        Variable.set(VARIABLE, run_id, description="The last run of grdf_health that has sent an alert.")
    except Exception as error:  # noqa: BLE001 - the check has its verdict without it
        log.warning("The alert could not be noted (%s): it may be followed by another one.", type(error).__name__)


def was_told(run_id: str) -> bool:
    """Return whether a run has sent its alert, as far as is known."""
    from airflow.sdk import Variable

    try:
        return bool(run_id) and Variable.get(VARIABLE, default=None) == run_id
    except Exception as error:  # noqa: BLE001 - better a second alert than none
        log.warning("It is not known whether the run has sent an alert (%s).", type(error).__name__)
        return False
