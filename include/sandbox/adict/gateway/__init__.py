"""What stands in front of every route: the checks of a call, injected faults, and the log of requests."""
