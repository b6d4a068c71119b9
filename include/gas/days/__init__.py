"""Gas days, and for each kind of question to ADICT the one rule of which days to ask for."""
