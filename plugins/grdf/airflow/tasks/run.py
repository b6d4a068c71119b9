"""The run of a task, read once from Airflow's context."""

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

    :param kind: Airflow's run type: ``scheduled``, ``backfill``, ``manual``, ...
    :param day: the gas day of the data interval, or the last complete one for a manual run without
    :param due: the earliest start, aware; ``started`` is when it last started
    :param try_number: from 1
    :param was_cleared: whether a person has cleared it, so that it repeats in the first user's name; retries do not
        count
    :param conf: the configuration that it was started with, ``params`` those of the form
    :param succeeded: when the previous successful run ended, asked of Airflow on use
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
        """Return when the previous successful run ended, in epoch seconds; 0 if none did. It asks Airflow."""
        return self.succeeded.timestamp() if self.succeeded else 0.0

    @property
    def is_scheduled(self) -> bool:
        """Whether the timetable started the run."""
        return self.kind == "scheduled"

    @property
    def is_backfill(self) -> bool:
        """Whether a backfill created the run, for its own gas day alone."""
        return self.kind == "backfill"

    @property
    def asked_by(self) -> str:
        """The user who started the run, for records."""
        return self.asker or "unknown"

    def stop_if_cleared(self, dag: str) -> None:
        """Raise ``BadRequest`` if the run was cleared: nothing may be repeated in the name of another user."""
        if self.was_cleared:
            raise BadRequest.about(
                None,
                f"this run of {dag} was cleared, and it is not known whether the user who did that may start it",
                f"Nothing was done. Start {dag} anew: it continues where this run stopped.",
            )

    def named_accounts(self, next_step: str) -> list[str]:
        """Return the ids in the param ``accounts`` without duplicates; ``BadRequest`` if it is not a list of ids."""
        named = self.params.get("accounts") or []
        if not isinstance(named, list) or not all(isinstance(each, str) and each.strip() for each in named):
            raise BadRequest.about(None, "`accounts` is not a list of ids", next_step)
        return list(dict.fromkeys(each.strip() for each in named))
