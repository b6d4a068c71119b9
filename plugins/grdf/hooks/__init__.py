"""Airflow connections become clients here; no other code needs the credentials."""
