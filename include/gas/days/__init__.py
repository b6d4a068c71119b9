"""Gas days, and one rule per kind of request to ADICT that says which days to ask for."""
