"""Whether the fleet of accounts is well, and if not, what a person must do: causes, limits, the verdict in words."""
