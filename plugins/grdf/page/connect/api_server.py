"""Access to Airflow's database, which only the API server has.

Apart from ``security``, only this file uses parts of Airflow that are not in its public interface.
"""

from __future__ import annotations

import logging
from typing import Literal

from grdf.hooks.data_token import DESCRIPTION, VariableShelf

log = logging.getLogger(__name__)

FirstRun = Literal["by itself", "started", "paused", "by hand"]


class ServerShelf(VariableShelf):
    """The store of the shared data token, for the API server: it reads like a task, but writes to the database."""

    def write(self, text: str) -> None:
        """Write the token to its Airflow Variable."""
        from airflow.models.variable import Variable

        Variable.set(self.variable, text, description=DESCRIPTION)


def start_first_run(dag: str, by: str) -> FirstRun:
    """Make sure that a newly connected account is read soon.

    A DAG that is new to Airflow appears within about a minute and runs by itself: it starts unpaused, and its timetable
    schedules the latest gas day at once. A DAG that Airflow already knows (the household connects again, or comes back
    after its account was deleted) would wait for the next morning, so a run is started here. If the DAG has disappeared
    in the meantime, that run waits until it is back.

    :param dag: the id of the account's DAG
    :param by: name of the user who connected the account, for Airflow's records
    :return: ``by itself`` if there was nothing to do, ``started``, ``paused`` if the run waits until somebody switches
        the DAG on, or ``by hand`` if Airflow did not start a run (the log says why)
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
