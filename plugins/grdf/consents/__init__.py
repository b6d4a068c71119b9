"""What operators share about consents: GRDF's list of rights, and whose a right is."""
