"""A logging configuration for Airflow's level DEBUG, as docs/security.md advises: all but urllib3 at that level."""

from __future__ import annotations

from copy import deepcopy

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG

LOGGING_CONFIG = deepcopy(DEFAULT_LOGGING_CONFIG)
LOGGING_CONFIG.setdefault("loggers", {})["urllib3"] = {"level": "INFO"}
