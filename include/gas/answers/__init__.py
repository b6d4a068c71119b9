"""From the bytes of GRDF's answers to facts: gas days, published periods, a meter's contract."""
