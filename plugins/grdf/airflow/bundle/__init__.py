"""DAG bundles: one writes the accounts' DAG files, the other is the folder of DAG files that came with the package."""
