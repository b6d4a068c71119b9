"""Whether the fleet of accounts is well: causes, limits, the verdict in words."""
