"""A check that the user who starts a run may act on the accounts that the run names.

Airflow only checks the right to start the DAG itself. A user with that right on ``grdf_delete_account`` could name any
account in the form, and Airflow's API accepts configurations that the page would never send. So the user must also have
the right to start the account's own DAG, and the right to connect households where the page asks for it. The API server
checks this before Airflow stores a run, no matter how the run was requested there. Airflow has no hook for that, so
this module listens to Airflow's model of a run. Runs started from the command line or by other DAGs are not checked:
whoever controls those controls all of Airflow. Clearing a run stores none: see ``repeated_runs``.
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


def _one_or_all(conf: Mapping[str, Any]) -> list[str | None]:
    named = str(conf.get("account") or "").strip()
    return [named] if named else ALL


def _some_or_all(conf: Mapping[str, Any]) -> list[str | None]:
    return _some(conf) or ALL


def _some(conf: Mapping[str, Any]) -> list[str | None]:
    named = conf.get("accounts") or []
    return [str(each).strip() for each in named] if isinstance(named, list) else ALL


def _all(_conf: Mapping[str, Any]) -> list[str | None]:
    return ALL


REACHING: Mapping[str, Callable[[Mapping[str, Any]], list[str | None]]] = {
    "grdf_delete_account": _one,
    "grdf_adopt_konnector": _one,
    "grdf_history": _some_or_all,
    "grdf_send_proof": _one_or_all,
    "grdf_published": _some,  # without any it reads what is due, as it does every day
    "grdf_consents": _some,  # without any it checks all, as it does every morning
    "grdf_import_accounts": _all,  # the file may name any, and the API server does not read it
    "grdf_adopt_rights": _all,
}
"""DAGs that can act on any account, each with a function that returns the accounts in a run's configuration.

A ``None`` in the returned list means all accounts. None of these DAGs allows backfills: a backfill could write other
accounts into existing runs, which this module would not see.
"""

CONNECTING = frozenset({"grdf_import_accounts", "grdf_adopt_rights", "grdf_send_proof"})
"""DAGs that do what the page lets nobody do without the right to connect households: connecting them, and sending GRDF
what proves their consents. A dry run needs that right too, since it names households' rights."""

TAKE_OVER = "grdf_consents"
"""The DAG that does so if it is given accounts: each gets a right on its meter that it has not brought."""

DELETION = "grdf_delete_account"

UNASKED = ("timetable", "asset", "operator", "cli", "test")
"""Sources of runs that no user of the API server has requested."""


def watch() -> None:
    """Check every run that this process stores from now on.

    Calling this again has no effect. If runs cannot be checked, the page closes.
    """
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
    """Refuse a run that acts on accounts whose own DAG the user may not start, or connects some without the right to.

    :param dag: a key of :data:`REACHING`
    :param conf: the run's configuration; anything but a mapping counts as empty
    :param asker: the Airflow name of the user who requested the run; ``None`` is always refused
    :raises HTTPException: 400 if a name cannot be an account's id, 403 if the user lacks a right, 503 if Airflow's auth
        manager cannot be asked
    """
    accounts = _reached(dag, conf)
    dags = [_dag_of(account) if account else None for account in accounts]
    if _connects(dag, conf) and not (asker and _ask(security.may_edit_adict, asker)):
        what = f"{dag} for accounts" if dag == TAKE_OVER else dag
        raise HTTPException(
            403,
            f"You may not edit the connection {security.ADICT_CONNECTION}, so you may not start {what}: only who may "
            "connect households may. Ask somebody with the role Op or Admin.",
        )
    for own in dags:
        if asker and _ask(security.may_start, asker, own):
            continue
        raise HTTPException(
            403,
            f"You may not start runs of {own}, so you may not start {dag} for that account."
            if own
            else f"You may not act on all accounts, so you may not start {dag}."
            if REACHING[dag] is _all
            else f"You may not act on all accounts: list in `accounts` the ones for which you want to start {dag}.",
        )


def is_personal(dag: str, conf: object) -> bool:
    """Return whether a run does what is kept with the name of who started it, so that it must not be repeated.

    :param dag: a key of :data:`REACHING`
    :param conf: the run's configuration; anything but a mapping counts as empty
    """
    return dag == DELETION or _connects(dag, conf)


def _connects(dag: str, conf: object) -> bool:
    return dag in CONNECTING or (dag == TAKE_OVER and bool(_reached(dag, conf)))


def _reached(dag: str, conf: object) -> list[str | None]:
    return REACHING[dag](conf if isinstance(conf, Mapping) else {})


def _dag_of(account: str) -> str:
    try:
        return dag_id(account)
    except ValueError:
        raise HTTPException(
            400, f"{account!a:.60} cannot be an account's id. Enter the part of its DAG's name after grdf_account__."
        ) from None


def _ask(question: Callable[..., bool], asker: str, *more: str | None) -> bool:
    try:
        return question(asker, *more)
    except Exception as error:
        log.exception("Airflow could not say which accounts %s may act on.", asker)
        raise HTTPException(
            503, "Refused: Airflow's auth manager cannot say which accounts you may act on. See docs/decisions.md."
        ) from error
