"""What the data means: gas days, ADICT lines, consents, documents, totals. No Airflow, no I/O of its own."""
