"""Pages from templates and texts, in the reader's language."""
