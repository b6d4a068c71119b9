"""HTTP exchanges that end in time and size, take their turn, and leave no trace of a meter's number."""
