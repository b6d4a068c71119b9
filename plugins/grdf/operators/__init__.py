"""Operators: one verb each, thin; what they mean is in ``include.gas``, whom they talk to is in the hooks."""
