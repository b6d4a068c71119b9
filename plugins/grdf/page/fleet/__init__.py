"""All accounts together: their health, newest days, runs, and what needs a person."""
