"""Airflow's words for the gas data of GRDF: hooks, operators, the gas-day timetable and what DAG files need."""
