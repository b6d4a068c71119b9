"""State kept in CouchDB and in Airflow's Variables, and how many writers change it at once."""
