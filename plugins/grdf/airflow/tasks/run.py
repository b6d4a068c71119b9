"""The run that a task belongs to, read once from Airflow's context and passed on as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.gas.days.gas_day import gas_day_of
from include.gas.errors import BadRequest

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Run:
    """A task's view of its run.

    :param id: Airflow's id of the run
    :param kind: Airflow's run type: ``scheduled``, ``backfill``, ``manual``, ...
    :param day: the gas day that the run is about. For a scheduled or backfilled run it is the data interval. A manual
        run may have no interval, and is then about the last complete gas day
    :param due: the earliest start of the run, with a time zone
    :param started: when it was last started, with a time zone; ``None`` if Airflow does not say
    :param asker: Airflow's name of the user who started it; ``None`` if Airflow does not say
    :param try_number: which try of the task this is, from 1
    :param is_last_try: whether Airflow will not try the task again by itself
    :param was_cleared: whether somebody has cleared the run, so that it runs again in the name of the user who started
        it. Airflow's own retries and reschedules do not count
    :param conf: the configuration that the run was started with
    :param params: the values of the form
    :param succeeded: when the last run before this one succeeded. Airflow is asked once this is looked at
    """

    id: str
    kind: str
    day: date
    due: datetime
    started: datetime | None = None
    asker: str | None = None
    try_number: int = 1
    is_last_try: bool = False
    was_cleared: bool = False
    conf: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    succeeded: Any = None

    @classmethod
    def from_context(cls, context: Context) -> Run:
        """Return the run of a task's context."""
        run, ti = context["dag_run"], context["ti"]
        due, start = run.run_after, context.get("data_interval_start")
        kind = run.run_type
        return cls(
            id=context["run_id"],
            kind=str(getattr(kind, "value", kind)),
            day=gas_day_of(start) if start is not None else gas_day_of(due) - timedelta(days=1),
            due=due,
            started=getattr(run, "start_date", None),
            asker=getattr(run, "triggering_user_name", None) or None,
            try_number=ti.try_number,
            is_last_try=ti.try_number > (ti.max_tries or 0),
            was_cleared=bool(getattr(run, "clear_number", 0)),
            conf=run.conf or {},
            params=context.get("params") or {},
            succeeded=context.get("prev_end_date_success"),
        )

    def last_success(self) -> float:
        """Return when the last run before this one succeeded, in epoch seconds; 0 if none did. It asks Airflow."""
        return self.succeeded.timestamp() if self.succeeded else 0.0

    @property
    def is_scheduled(self) -> bool:
        """Whether the timetable started the run, and not a person."""
        return self.kind == "scheduled"

    @property
    def is_backfill(self) -> bool:
        """Whether an Airflow backfill created the run, so that it is about its own gas day alone."""
        return self.kind == "backfill"

    @property
    def asked_by(self) -> str:
        """Who started the run, for records."""
        return self.asker or "unknown"

    def stop_if_cleared(self, dag: str) -> None:
        """Raise an error if the run was cleared: what is done in somebody's name must not be repeated without that one.

        Airflow does not say who did that. Whoever may, may as well start it anew.

        :param dag: the id of the run's DAG, for the message
        :raises BadRequest: if it was
        """
        if self.was_cleared:
            raise BadRequest.about(
                None,
                f"this run of {dag} was cleared, and it is not known whether whoever did that may start it",
                f"Nothing was done. Start {dag} anew: it continues where this run stopped.",
            )

    def named_accounts(self, next_step: str) -> list[str]:
        """Return the ids in the param ``accounts`` without duplicates; empty if none is named.

        :param next_step: for the message: what was not done, and what to do
        :raises BadRequest: if the param is not a list of ids
        """
        named = self.params.get("accounts") or []
        if not isinstance(named, list) or not all(isinstance(each, str) and each.strip() for each in named):
            raise BadRequest.about(None, "`accounts` is not a list of ids", next_step)
        return list(dict.fromkeys(each.strip() for each in named))
