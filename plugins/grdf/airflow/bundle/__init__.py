"""DAG bundles: of the accounts' DAG files, and of those that came with the package."""
