"""All tests by level, several levels at once: what ``./grdf test`` starts."""
