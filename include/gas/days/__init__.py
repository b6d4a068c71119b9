"""Gas days, and which of them to ask for."""
