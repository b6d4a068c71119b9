"""The records of households' consents."""
