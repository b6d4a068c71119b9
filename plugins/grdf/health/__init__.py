"""The daily check of the fleet's health, as Airflow's side of it: its settings, what Airflow shows, gauges, alerts."""
