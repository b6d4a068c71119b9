"""The gas-day timetable, which Airflow finds as ``grdf.timetable.GasDayTimetable`` (see ``grdf_plugin.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from pendulum import DateTime

from include.gas.days.gas_day import START_HOUR, gas_day_of, gas_day_start

if TYPE_CHECKING:
    from airflow.utils.types import DagRunType

PARIS_NAME = "Europe/Paris"


def minute_of(account_id: str, spread_minutes: int) -> int:
    """Return an account's minute, from 0 to ``spread_minutes - 1``: constant per id, and spread evenly."""
    return int.from_bytes(blake2b(account_id.encode(), digest_size=4).digest(), "big") % spread_minutes


@dataclass(unsafe_hash=True)
class GasDayTimetable(Timetable):
    """One run per gas day, 23 to 25 h, each account at its own minute of a later morning (ADICT 3.9).

    :param minutes: in Paris clock time, from 06:00 at the end of the gas day to the start of its run
    """

    description = "Each gas day (06:00 to 06:00 in Paris), once GRDF has published it"

    minutes: int = 0

    @classmethod
    def for_account(cls, account_id: str, *, publication_days: int, first_hour: int, spread_minutes: int) -> Any:
        """Return an account's timetable, by days after the gas day, hour in Paris, and minutes to spread over."""
        base = publication_days * 1440 + (first_hour - START_HOUR) * 60
        return cls(max(base, 0) + minute_of(account_id, spread_minutes))

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow stores of this timetable."""
        return {"minutes": self.minutes}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> GasDayTimetable:
        """Return the timetable that Airflow has stored."""
        return cls(data["minutes"])

    @property
    def summary(self) -> str:
        """The text in the schedule column of Airflow's UI."""
        days, minutes = divmod(self.minutes + START_HOUR * 60, 1440)
        return f"gas day, read on day D+{days + 1} at {minutes // 60:02d}:{minutes % 60:02d}"

    def interval(self, day: date) -> DataInterval:
        """Return the data interval of a gas day, in UTC."""
        return DataInterval(_six_o_clock(day), _six_o_clock(day + timedelta(days=1)))

    def run_after(self, day: date) -> DateTime:
        """Return the earliest start of a gas day's run, in UTC.

        Its microseconds are ``date.toordinal``, so that no two gas days share a moment, whatever the settings: Airflow
        names a backfill's runs after it, and would leave out one of two silently.
        """
        days, minutes = divmod(self.minutes + START_HOUR * 60, 1440)
        at = day + timedelta(days=1 + days)
        wall = pendulum.datetime(at.year, at.month, at.day, minutes // 60, minutes % 60, tz=PARIS_NAME)
        return wall.in_timezone("UTC").set(microsecond=day.toordinal() % 1_000_000)

    def generate_run_id(
        self, *, run_type: DagRunType, run_after: DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Return a scheduled run's name with its gas day: ``scheduled__2026-03-28``. Others keep Airflow's."""
        if run_type != "scheduled" or data_interval is None:
            return super().generate_run_id(run_type=run_type, run_after=run_after, data_interval=data_interval, **extra)
        return f"scheduled__{gas_day_of(data_interval.start).isoformat()}"

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the last complete gas day at the request of a manual run."""
        return self.interval(gas_day_of(run_after) - timedelta(days=1))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run; without catch-up, of the latest due gas day: the run asks for the days since."""
        days = [self._first_day_from(restriction.earliest)] if restriction.earliest is not None else []
        if last_automated_data_interval is not None:
            days.append(gas_day_of(last_automated_data_interval.start) + timedelta(days=1))
        if not days:
            return None
        if not restriction.catchup:
            days.append(self._latest_due(pendulum.now("UTC")))
        day = max(days)
        interval = self.interval(day)
        if restriction.latest is not None and interval.start > restriction.latest:
            return None
        return DagRunInfo(run_after=self.run_after(day), data_interval=interval)

    def _first_day_from(self, earliest: DateTime) -> date:
        day = gas_day_of(earliest)
        return day if self.interval(day).start >= earliest else day + timedelta(days=1)

    def _latest_due(self, now: DateTime) -> date:
        day = gas_day_of(now)
        while self.run_after(day) > now:
            day -= timedelta(days=1)
        return day


def _six_o_clock(day: date) -> DateTime:
    return pendulum.instance(gas_day_start(day).astimezone(UTC))
