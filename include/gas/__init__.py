"""The meaning of the data: gas days, ADICT lines, consents, documents, totals. No Airflow and no I/O."""
