"""The checks of a call, injected faults, and the log of requests."""
