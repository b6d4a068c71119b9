"""The page "Gas accounts" in Airflow's UI: a FastAPI application mounted at ``/grdf``."""
