"""Lines about consumption, sorted into facts and problems."""
