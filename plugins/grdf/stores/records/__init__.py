"""The records of households' consents, and those on which nothing rests any more."""
