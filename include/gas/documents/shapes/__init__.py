"""The shape of every stored document but the account's. ``docs/documents.md`` is generated from these classes."""
