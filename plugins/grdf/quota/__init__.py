"""GRDF's quota, shared by all workers: every call waits here for its turn."""
