"""Airflow's side of the fleet's health: settings, what Airflow shows, gauges, alerts."""
