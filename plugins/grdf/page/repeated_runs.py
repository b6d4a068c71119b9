"""A check of who lets a run begin again that can act on any account.

Clearing a run, or putting one that was cancelled back into the queue, stores no run, so ``askers`` does not see it. It
needs rights on the DAG's runs and tasks alone, and the run begins again in the name of whoever started it. So the API
server asks once more, however that was requested there: by clearing a run or some of its tasks, by changing its state
or that of a task before the others, alone or in bulk, or by deleting a task so that Airflow makes it anew.

* Orders that are carried out in somebody's name (``askers.is_personal``) begin once. Nobody repeats them: months later
  the same order may mean another household, and who approves a deletion must not be who has revived it.
* Any other needs the rights that starting it would need. Runs that name no account where none has to be named, such as
  the morning's check of consents, need no more than Airflow asks for.

Like ``askers`` this listens to Airflow's models. What the scheduler, a worker or the command line does is not checked.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from grdf.page import askers, security

log = logging.getLogger(__name__)

TASKS = "/execution/"
"""Where tasks reach the API server, with tokens of their own."""
BEGUN = frozenset({"running", "success", "failed"})
"""States of a run that has begun or was ended."""
TO_DO = frozenset({"queued", "running"})
"""States in which the scheduler works on a run."""
READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods by which a request changes nothing (RFC 9110, section 9.2.1)."""
ANEW = frozenset({None, "restarting"})
"""States that a task gets when it is cleared."""


@dataclass(frozen=True)
class _Asked:
    """A request of a user, and the runs that it may repeat.

    :param sender: the user's name in Airflow, or why it is not known
    """

    sender: str | HTTPException
    allowed: set[tuple[str, str]] = field(default_factory=set)


_ASKED: ContextVar[_Asked | None] = ContextVar("grdf_asked", default=None)


class RequestAtHand:
    """Middleware that keeps at hand who has sent a request while Airflow carries it out.

    It is found out before: then no connection to the database is held yet. A thread that holds one and waits for the
    event loop, which may itself wait for one, would stop all requests.

    :param app: the whole of Airflow's API server
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if (
            scope["type"] != "http"
            or scope["method"] in READING
            or scope["path"].removeprefix(scope.get("root_path", "")).startswith(TASKS)
        ):
            await self.app(scope, receive, send)
            return
        before = _ASKED.set(_Asked(await _sender(Request(scope))))
        try:
            await self.app(scope, receive, send)
        finally:
            _ASKED.reset(before)


def watch() -> None:
    """Check every run that this process lets begin again from now on, as far as a user's request does it.

    Calling this again has no effect. If that cannot be checked, the page closes.
    """
    try:
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from sqlalchemy import event

        if not event.contains(TaskInstance, "before_delete", _task_deleted):
            # The former value is needed, also if it was not read so far.
            event.listen(DagRun._state, "set", _run_changed, active_history=True)
            event.listen(TaskInstance.state, "set", _task_changed, active_history=True)
            event.listen(TaskInstance, "before_delete", _task_deleted)
    except Exception:
        log.exception(
            "It cannot be checked who lets runs begin again: this Airflow keeps them elsewhere. The page stays closed."
        )
        security.CLOSED = True


def _run_changed(run: Any, state: object, before: object, _initiator: object) -> None:
    if run.dag_id in askers.REACHING and before in BEGUN and state in TO_DO:
        _check(run)


def _task_changed(task: Any, state: object, before: object, _initiator: object) -> None:
    # Without a state before, the task is new, or has not begun.
    if task.dag_id in askers.REACHING and isinstance(before, str) and state in ANEW:
        _check(task.dag_run)


def _task_deleted(_mapper: object, _connection: object, task: Any) -> None:
    # With a run that has not begun or has ended, it may be removed: such a run cannot begin again unseen.
    if task.dag_id in askers.REACHING and task.dag_run is not None and task.dag_run.state == "running":
        _check(task.dag_run)


def _check(run: Any) -> None:
    """Refuse to let a run begin again, if a user has requested that who may not.

    :raises HTTPException: 409 if the run is carried out once only, 403 if the user lacks a right, 503 if it cannot be
        found out
    """
    asked = _ASKED.get()
    if asked is None or (run.dag_id, run.run_id) in asked.allowed:
        return
    if askers.is_personal(run.dag_id, run.conf):
        raise HTTPException(
            409,
            f"Nothing was done. A run of {run.dag_id} is carried out once, in the name of whoever started it, and this "
            f"one has begun or was ended. Start {run.dag_id} anew: it continues where this run stopped.",
        )
    try:
        if isinstance(asked.sender, HTTPException):
            raise asked.sender
        askers.check(run.dag_id, run.conf, asked.sender)
    except HTTPException as refused:
        raise HTTPException(refused.status_code, f"This run does not begin again. {refused.detail}") from None
    asked.allowed.add((run.dag_id, run.run_id))


async def _sender(request: Request) -> str | HTTPException:
    """Return the Airflow name of the user who has sent a request, or why it is not known."""
    try:
        return (await security.visitor(request)).name
    except HTTPException as refused:  # Airflow's route says so itself
        return refused
    except Exception:
        log.exception("Airflow could not say who changes runs.")
        return HTTPException(503, "Airflow could not say who asks for that. See the API server's log.")
