"""Who starts a DAG that reaches any account must have the right to start that account's own DAG.

Airflow asks for the right on the DAG that is started and no more: with it on ``grdf_delete_account`` alone, anybody
could name any account in the form, and Airflow's API takes what the page would never send. So each run is checked in
the API server before Airflow writes it down, whichever way it was asked for there. Airflow has no hook for that: this
listens to its model of a run. What the command line and other DAGs start is not checked: whoever has those has all of
Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import HTTPException

from grdf.page import security
from include.gas.documents.gas_days import dag_id

log = logging.getLogger(__name__)

ALL: list[str | None] = [None]


def _one(conf: Mapping[str, Any]) -> list[str | None]:
    return [str(conf.get("account") or "").strip()]


def _some_or_all(conf: Mapping[str, Any]) -> list[str | None]:
    return _some(conf) or ALL


def _some(conf: Mapping[str, Any]) -> list[str | None]:
    named = conf.get("accounts") or []
    return [str(each).strip() for each in named] if isinstance(named, list) else ALL


REACHING: Mapping[str, Callable[[Mapping[str, Any]], list[str | None]]] = {
    "grdf_delete_account": _one,
    "grdf_adopt_konnector": _one,
    "grdf_history": _some_or_all,
    "grdf_published": _some,  # without any it reads what is due, as it does every day
    "grdf_consents": _some,  # without any it checks all, as it does every morning
}
"""DAGs that reach any account, and which accounts a run's configuration names; None stands for all of them.

None of them allows backfills: those would write other accounts into runs that are there already, unseen from here.
"""

UNASKED = ("timetable", "asset", "operator", "cli", "test")
"""Where runs come from that no user of the API server has asked for."""


def watch() -> None:
    """Have every run checked that this process writes down; once is enough. When it cannot be, the page closes."""
    try:
        from airflow.models.dagrun import DagRun
        from sqlalchemy import event

        if not event.contains(DagRun, "before_insert", _before_insert):
            event.listen(DagRun, "before_insert", _before_insert)
    except Exception:
        log.exception(
            "It cannot be checked who starts runs: this Airflow keeps its runs elsewhere. The page stays closed."
        )
        security.CLOSED = True


def _before_insert(_mapper: object, _connection: object, run: Any) -> None:
    by = str(getattr(run.triggered_by, "value", run.triggered_by))
    if run.dag_id in REACHING and by not in UNASKED:
        check(run.dag_id, run.conf, run.triggering_user_name)


def check(dag: str, conf: object, asker: str | None) -> None:
    """Refuse a run that reaches accounts whose own DAG its asker may not start.

    :param dag: the DAG
    :param conf: the run's configuration
    :param asker: Airflow's name of who asks
    :raises HTTPException: 403 when one of them is out of reach, 503 when Airflow's auth manager cannot be asked
    """
    accounts = REACHING[dag](conf if isinstance(conf, Mapping) else {})
    for account in accounts:
        try:
            allowed = bool(asker) and security.may_start(str(asker), dag_id(account) if account else None)
        except Exception as error:
            log.exception("Airflow could not say which accounts %s may act on.", asker)
            raise HTTPException(
                503, "Refused: Airflow's auth manager cannot say which accounts you may act on. See docs/decisions.md."
            ) from error
        if not allowed:
            raise HTTPException(
                403,
                f"You may not start runs of {dag_id(account)}, so you may not start {dag} for that account."
                if account
                else f"You may not act on all accounts: list in `accounts` the ones for which you want to start {dag}.",
            )
