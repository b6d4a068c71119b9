"""What is stored of a meter's gas: databases, ids, days, totals, billing periods, and how they are written."""
