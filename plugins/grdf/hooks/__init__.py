"""Hooks that turn Airflow's connections into clients and hold the credentials, so that no other code needs them."""
