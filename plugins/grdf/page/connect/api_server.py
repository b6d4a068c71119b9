"""What the page does with Airflow's own database, as only the API server may.

Beside ``security`` it is the one file that uses parts of Airflow which are not in its public interface.
"""

from __future__ import annotations

import logging
from typing import Literal

from grdf.hooks.data_token import VARIABLE, VariableShelf

log = logging.getLogger(__name__)

FirstRun = Literal["by itself", "started", "paused", "by hand"]


class ServerShelf(VariableShelf):
    """The shelf of the shared data token, as seen from the API server: it reads like a task and writes itself."""

    def write(self, text: str) -> None:
        """Write the Variable."""
        from airflow.models.variable import Variable

        Variable.set(VARIABLE, text, description="GRDF data token shared by all accounts; renewed automatically")


def start_first_run(dag: str, by: str) -> FirstRun:
    """See to it that an account that has just been connected is read.

    A DAG that Airflow has never seen appears within about a minute and runs by itself: it starts unpaused, and its
    timetable gives a new DAG the latest gas day at once. One that Airflow knows (a household that connects again, or
    comes back after its account was deleted) would wait for the next morning, so that a run is started here. If its DAG
    has gone meanwhile, that run waits for it to come back.

    :param dag: the DAG's id
    :param by: who connected it, for Airflow's records
    :return: ``by itself`` (nothing was to do), ``started``, ``paused`` (it waits until somebody switches the DAG on),
        or ``by hand`` (Airflow would not start one; the log says why)
    """
    try:
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.models.dag import DagModel
        from airflow.utils.types import DagRunTriggeredByType

        model = DagModel.get_current(dag)
        if model is None:
            return "by itself"
        trigger_dag(dag, triggered_by=DagRunTriggeredByType.REST_API, triggering_user_name=by)
    except Exception:
        log.exception("Airflow did not start a run of %s after its household connected. Start one in Airflow.", dag)
        return "by hand"
    return "paused" if model.is_paused else "started"
