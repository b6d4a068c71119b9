"""From the bytes of GRDF's answers to facts: gas days, periods, contracts, rights."""
