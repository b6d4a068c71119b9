"""The one module that Airflow's plugin loader reads (``.airflowignore`` hides the rest of this folder from it)."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from grdf.timetable import GasDayTimetable


class GrdfPlugin(AirflowPlugin):
    """Registers the gas-day timetable with every Airflow component."""

    name = "grdf"
    timetables = [GasDayTimetable]
