"""The stored documents of a meter: databases, ids, days, totals, billing periods."""
