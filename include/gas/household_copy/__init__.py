"""The copy of a household's data that it can take along: tables, Green Button, and what they mean in words."""
