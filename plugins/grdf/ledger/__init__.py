"""The ledger: one document per meter with all rights to it."""
