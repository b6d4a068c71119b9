"""GRDF's gas data in Airflow: hooks, operators, the gas-day timetable, and what the DAG files need."""
