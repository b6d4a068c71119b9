"""Our metrics: which there are, and telling them to Airflow's own metrics (StatsD, OpenTelemetry, Datadog)."""
