"""What is noted on the account about its rights at GRDF: how they came, are seen in its list, proved and lost."""
