"""Hooks: they turn Airflow's connections into clients, and hold the credentials so that nothing else has to."""
