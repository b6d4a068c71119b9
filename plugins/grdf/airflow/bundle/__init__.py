"""The accounts' DAGs as a DAG bundle: a DAG file is read again when its accounts have changed, not every 30 s."""
