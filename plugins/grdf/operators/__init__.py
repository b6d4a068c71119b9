"""Operators: each performs one step and is thin.

The domain logic is in ``include.gas``, the clients are in the hooks.
"""
