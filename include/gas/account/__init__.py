"""The account document, section by section: each class knows its key, reads what is there and writes itself."""
