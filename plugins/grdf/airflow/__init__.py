"""What tasks learn from Airflow, and what we tell Airflow. ``import airflow`` still imports Airflow itself."""
