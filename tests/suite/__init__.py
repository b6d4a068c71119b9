"""All tests in groups, several at once: what ``./grdf test`` starts."""
