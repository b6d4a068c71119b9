"""``./grdf doctor``: whether an installation works, seen from this machine. Read-only."""
