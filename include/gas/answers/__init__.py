"""Parses the bytes of GRDF's answers into facts: gas days, published periods, a meter's contract."""
