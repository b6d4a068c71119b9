"""A year of a town: sixty households move, renew, leave and are restored, and a truth of its own judges each day."""
