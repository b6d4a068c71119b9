"""Somebody else's DAG."""

from airflow.sdk import DAG, task

with DAG("their_orders", schedule="* * * * *", catchup=False, tags=["theirs"]):

    @task
    def fetch() -> int:
        """Fetch orders."""
        return 7

    fetch()
