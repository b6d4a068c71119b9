"""Makes the copy of a household's data, with its texts."""
