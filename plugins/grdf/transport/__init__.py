"""HTTP exchanges that are bounded in time and size, wait for their turn, and log no meter's number."""
