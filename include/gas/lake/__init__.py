"""The lake: a pseudonymous copy of days and totals for analysts, as Parquet files."""
