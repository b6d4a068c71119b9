"""Rights that we declare for households: sent once, found late, waited for, left behind, or returned."""
