"""GRDF's gas data in Airflow."""

__version__ = "0.1.0"
"""The version of the whole project, written here alone."""
