"""GRDF's gas data in Airflow: hooks, operators, the gas-day timetable, and what the DAG files need."""

__version__ = "0.1.0"
"""The version of the whole project. It is written here alone."""
