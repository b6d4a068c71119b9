"""Which runs of the check of health have sent their alert, in an Airflow Variable: the triggerer sends one for others.

A check that is killed, or fails in a way that nobody has foreseen, is red and tells nobody. The triggerer asks for each
red run once its deadline has passed, and other runs may have told theirs by then.
"""

from __future__ import annotations

import logging

VARIABLE = "grdf_health_told"
"""Name of the Variable. It holds the ids of runs, one a line, the latest last."""
KEPT = 50
"""How many ids it holds: more runs than people start within a day, the longest time until a deadline."""

log = logging.getLogger(__name__)


def note(run_id: str) -> None:
    """Record that a run has sent its alert. This never raises: without it, a second alert comes."""
    from airflow.sdk import Variable

    try:
        told = [each for each in _told() if each != run_id]
        text = "\n".join([*told, run_id][-KEPT:])
        Variable.set(VARIABLE, text, description="The last runs of grdf_health that have sent an alert.")
    except Exception as error:  # noqa: BLE001 - the check has its verdict without it
        log.warning("The alert could not be noted (%s): it may be followed by another one.", type(error).__name__)


def was_told(run_id: str) -> bool:
    """Return whether a run has sent its alert, as far as is known."""
    try:
        return bool(run_id) and run_id in _told()
    except Exception as error:  # noqa: BLE001 - better a second alert than none
        log.warning("It is not known whether the run has sent an alert (%s).", type(error).__name__)
        return False


def _told() -> list[str]:
    from airflow.sdk import Variable

    return str(Variable.get(VARIABLE, default=None) or "").splitlines()
