"""State in CouchDB and in Airflow's Variables, changed by many writers at once."""
