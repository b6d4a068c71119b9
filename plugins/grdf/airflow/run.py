"""The run that a task is part of, read once from Airflow's context and handed on as a value."""

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
    """One task's view of its run.

    :param id: Airflow's id of the run
    :param kind: Airflow's run type: ``scheduled``, ``backfill``, ``manual``, ...
    :param day: the gas day that the run is about. A scheduled or backfilled run has it as its data interval. A run
        started by hand may have no interval, and is then about the last gas day that is over
    :param due: when the run was to start at the earliest, aware
    :param started: when it was last started, aware; ``None`` where Airflow does not say
    :param asker: Airflow's name of who started it; ``None`` where Airflow does not say
    :param try_number: which try of the task this is, from 1
    :param is_last_try: whether Airflow will not try the task again by itself
    :param conf: what the run was started with
    :param params: the form, filled in
    """

    id: str
    kind: str
    day: date
    due: datetime
    started: datetime | None = None
    asker: str | None = None
    try_number: int = 1
    is_last_try: bool = False
    conf: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context) -> Run:
        """Read the run from a task's context.

        :param context: Airflow's task context
        """
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
            conf=run.conf or {},
            params=context.get("params") or {},
        )

    @property
    def is_scheduled(self) -> bool:
        """Whether the timetable started it, and not a person."""
        return self.kind == "scheduled"

    @property
    def is_backfill(self) -> bool:
        """Whether an Airflow backfill made it, so that it is about its own gas day alone."""
        return self.kind == "backfill"

    @property
    def asked_by(self) -> str:
        """Who started it, for records."""
        return self.asker or "unknown"

    def named_accounts(self, next_step: str) -> list[str]:
        """Return the ids in the param ``accounts``, each once; the list is empty when none is named.

        :param next_step: what was not done, and what to do, for the message
        :raises BadRequest: when it is not a list of ids
        """
        named = self.params.get("accounts") or []
        if not isinstance(named, list) or not all(isinstance(each, str) and each.strip() for each in named):
            raise BadRequest.about(None, "`accounts` is not a list of ids", next_step)
        return list(dict.fromkeys(each.strip() for each in named))
