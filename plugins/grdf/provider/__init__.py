"""What Airflow finds where this is installed: connection types with forms and *Test* buttons, a plugin."""
