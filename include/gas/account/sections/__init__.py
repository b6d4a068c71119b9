"""What is noted on the account document: a class for each section."""
