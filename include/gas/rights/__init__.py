"""What GRDF's list of rights means for an account, and whose a right is."""
