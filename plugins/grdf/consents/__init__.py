"""What operators share about consents: GRDF's list of rights, and which account a right belongs to."""
