"""What the data mean: gas days, ADICT lines, rights, documents, totals. No Airflow, no I/O."""
