"""What Airflow tells our tasks, and what we tell Airflow; ``import airflow`` is still Airflow itself."""
