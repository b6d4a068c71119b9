"""What is kept in CouchDB and in Airflow's Variables, and how it is changed by many at once."""
