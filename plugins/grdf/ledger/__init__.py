"""The ledger: one document per meter with all rights to it, and what is asked of GRDF about them."""
