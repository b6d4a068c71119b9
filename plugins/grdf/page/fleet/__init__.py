"""All accounts together: how they are, how new their days are, what runs, and what needs a person."""
