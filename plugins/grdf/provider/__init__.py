"""What Airflow finds where this project is installed: connection types, their forms and *Test* buttons, a plugin."""
