"""Operators: each performs one step. The logic is in ``include.gas``, the clients are in the hooks."""
