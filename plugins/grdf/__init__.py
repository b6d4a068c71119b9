"""GRDF's gas data in Airflow."""

__version__ = "0.1.0"
