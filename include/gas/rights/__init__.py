"""What GRDF's list of rights means for an account, and which account a right belongs to."""
