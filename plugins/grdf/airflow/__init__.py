"""What tasks learn from Airflow and report to it. ``import airflow`` still imports Airflow itself."""
