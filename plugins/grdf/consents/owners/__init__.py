"""Whose a right is: the account that brought it, one household for good, and what a person states."""
